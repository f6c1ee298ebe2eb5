internal import FileSystem
internal import Glibc
internal import SystemPackage

/// One pass over what a selected root holds.
struct ContextWalk {
    let context: ContextDirectory
    let root: SelectedRoot
    /// The context's rules and those of the instruction.
    let rules: [IgnoreFile]

    var result: [ContextEntry] = []
    /// Ignored directories on the way to the current one, which count only if something below them does.
    private var pending: [ContextEntry] = []
    private var frames: [DirectoryFrame] = []
    /// The path of the current directory below the root, with a slash at its end.
    private var prefix: [UInt8] = []
    private var stopsAtFirst = false

    /// Descriptors that are open at once at most; above this depth a directory is reopened from the one below it.
    private static let descriptorLimit = 64

    init(context: ContextDirectory, root: SelectedRoot, excluding: IgnoreFile) {
        self.context = context
        self.root = root
        rules = [context.ignoreFile, excluding]
    }

    /// Everything, in order.
    mutating func entries() throws(BuildContextError) -> [ContextEntry] {
        if root.isDirectory { try walkDirectories() } else { try addFile() }
        return result
    }

    /// Whether there is anything at all.
    mutating func hasEntry() throws(BuildContextError) -> Bool {
        stopsAtFirst = true
        return try !entries().isEmpty
    }

    private mutating func addFile() throws(BuildContextError) {
        let name = Array(root.name)
        if root.status.kind != .socket, rules[1].decision(for: name)?.isIgnored != true {
            result = [ContextEntry(path: name, status: root.status, linkTarget: [], extendedAttributes: [])]
        }
    }

    private mutating func walkDirectories() throws(BuildContextError) {
        defer {
            for frame in frames { frame.close() }
            frames = []
        }
        frames.append(try rootFrame())
        while let frame = frames.last {
            guard let name = frame.nextName() else {
                try leave()
                continue
            }
            try visit(name, in: frame)
            if stopsAtFirst, !result.isEmpty { return }
        }
    }

    private func rootFrame() throws(BuildContextError) -> DirectoryFrame {
        var states = rules.map { $0.start }
        for component in root.resolvedPath.split(separator: PathText.slash) {
            states[0] = component.withUnsafeBufferPointer { rules[0].descend(into: $0, from: states[0]) }
        }
        let path = context.filePath(root.resolvedPath)
        let descriptor: Int32
        do {
            descriptor = try FileOperations.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        } catch {
            throw .system(error)
        }
        return try DirectoryFrame(descriptor: descriptor, path: path, states: states)
    }

    private mutating func visit(_ name: UnsafeBufferPointer<UInt8>, in frame: DirectoryFrame) throws(BuildContextError)
    {
        let isIgnored = isIgnored(name, in: frame)
        // Only a directory can be worth a look in spite of being ignored.
        if isIgnored, !frame.mayHaveExceptions(rules) { return }
        // SAFETY: names are stored with a zero byte after each.
        let zeroTerminated = UnsafeRawPointer(name.baseAddress.unsafelyUnwrapped).assumingMemoryBound(to: CChar.self)
        guard let status = FileStatus.of(zeroTerminated, in: frame.descriptor) else {
            // Removed since the directory was read: as if it had never been there.
            if Errno.current == .noSuchFileOrDirectory { return }
            throw .system(SystemError("read the status of", filePath(name)))
        }
        switch status.kind {
        case .directory:
            try enter(name, zeroTerminated, in: frame, isIgnored: isIgnored)
        case .socket:
            return
        default:
            guard !isIgnored else { return }
            let target = status.kind == .symbolicLink ? try linkTarget(name, zeroTerminated, status, in: frame) : []
            add(ContextEntry(path: path(name), status: status, linkTarget: target, extendedAttributes: []))
        }
    }

    private func isIgnored(_ name: UnsafeBufferPointer<UInt8>, in frame: DirectoryFrame) -> Bool {
        for (index, file) in rules.enumerated() where !file.rules.isEmpty {
            if file.isIgnored(file.decidingRule(for: name, in: frame.states[index])) { return true }
        }
        return false
    }

    private mutating func enter(
        _ name: UnsafeBufferPointer<UInt8>,
        _ zeroTerminated: UnsafePointer<CChar>,
        in frame: DirectoryFrame,
        isIgnored: Bool
    ) throws(BuildContextError) {
        var states = frame.states
        for (index, file) in rules.enumerated() where !file.rules.isEmpty {
            states[index] = file.descend(into: name, from: states[index])
            if isIgnored, file.excludesEverything(below: states[index]) { return }
        }
        let descriptor = openat(frame.descriptor, zeroTerminated, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            switch Errno.current {
            case .noSuchFileOrDirectory: return
            case .notDirectory, .tooManySymbolicLinkLevels: throw .changedWhileRead(contextPath(name))
            default: throw .system(SystemError("open", filePath(name)))
            }
        }
        let child = try DirectoryFrame(descriptor: descriptor, path: filePath(name), states: states)
        child.prefixLength = prefix.count
        child.pendingPosition = pending.count
        let entry = ContextEntry(
            path: path(name),
            status: child.status,
            linkTarget: [],
            extendedAttributes: ExtendedAttribute.portable(descriptor: descriptor)
        )
        if isIgnored { pending.append(entry) } else { add(entry) }
        if frames.count >= ContextWalk.descriptorLimit { frame.close() }
        prefix.append(contentsOf: name)
        prefix.append(PathText.slash)
        frames.append(child)
    }

    private mutating func leave() throws(BuildContextError) {
        let frame = frames.removeLast()
        defer { frame.close() }
        if pending.count > frame.pendingPosition { pending.removeSubrange(frame.pendingPosition...) }
        prefix.removeSubrange(frame.prefixLength...)
        guard let parent = frames.last, parent.descriptor < 0 else { return }
        guard parent.reopen(from: frame) else {
            throw .changedWhileRead(PathText.appending(prefix.dropLast(), to: root.resolvedPath))
        }
    }

    private mutating func add(_ entry: ContextEntry) {
        if !pending.isEmpty {
            result.append(contentsOf: pending)
            pending.removeAll()
        }
        result.append(entry)
    }

    private func linkTarget(
        _ name: UnsafeBufferPointer<UInt8>,
        _ zeroTerminated: UnsafePointer<CChar>,
        _ status: FileStatus,
        in frame: DirectoryFrame
    ) throws(BuildContextError) -> [UInt8] {
        // Some filesystems give no size for links.
        let capacity = (1..<Int64(PATH_MAX)).contains(status.size) ? Int(status.size) + 1 : Int(PATH_MAX)
        var buffer = [CChar](repeating: 0, count: capacity)
        let count = readlinkat(frame.descriptor, zeroTerminated, &buffer, buffer.count)
        guard count >= 0, count < buffer.count || count == PATH_MAX else { throw .changedWhileRead(contextPath(name)) }
        return buffer.prefix(count).map { UInt8(bitPattern: $0) }
    }

    private func path(_ name: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: prefix.count + name.count) { buffer, count in
            _ = UnsafeMutableBufferPointer(rebasing: buffer[..<prefix.count]).initialize(from: prefix)
            _ = UnsafeMutableBufferPointer(rebasing: buffer[prefix.count...]).initialize(from: name)
            count = prefix.count + name.count
        }
    }

    private func contextPath(_ name: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        PathText.appending(path(name), to: root.resolvedPath)
    }

    private func filePath(_ name: UnsafeBufferPointer<UInt8>) -> FilePath { context.filePath(contextPath(name)) }
}
