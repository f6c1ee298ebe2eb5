public import FileSystem
internal import Glibc
public import SystemPackage
public import Tar

/// Turns files below a directory into layer entries, in the order of a layer.
///
/// Directories are read through descriptors and no symbolic link is followed, so the depth of a tree and what its
/// links say do not matter.
public struct TreeReader {
    /// How the tree shows what it removes from the layers below.
    public enum Whiteouts: Sendable {
        case none
        case overlay
    }

    /// What of a tree is wanted.
    public enum Extent: Sendable {
        /// Also the content of files, so that files the user may not read are made readable meanwhile.
        case contents
        case entries
    }

    /// A file's place on disk, valid while it is handed out.
    public struct Source {
        /// The open directory that holds it.
        public let directory: Int32
        public let name: [CChar]
        public let status: FileStatus
        /// The path of the directory, for messages.
        fileprivate let parent: FilePath

        /// For messages.
        public var path: FilePath {
            parent.appending(String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }

        /// Opens a regular file for reading.
        public func open() throws(SystemError) -> OwnedDescriptor {
            guard let file = OwnedDescriptor(openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK))
            else { throw SystemError("open", path) }
            return file
        }
    }

    private let root: FilePath
    private let descriptor: Int32?
    private let names: [[UInt8]]?
    private let whiteouts: Whiteouts
    private let reading: Extent
    private let user = geteuid()
    private var firstNames: [Inode: PathInRoot] = [:]

    private struct Inode: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    /// - Parameters:
    ///   - descriptor: Of the directory where that is open already; `root` is only for messages then.
    ///   - names: What in the directory is read; everything where it is `nil`.
    public init(
        root: FilePath,
        whiteouts: Whiteouts,
        reading: Extent = .contents,
        descriptor: Int32? = nil,
        names: [[UInt8]]? = nil
    ) {
        self.root = root
        (self.descriptor, self.names) = (descriptor, names)
        self.reading = reading
        self.whiteouts = whiteouts
    }

    /// Visits everything below the directory, parents first, names in byte order; sockets are left out.
    ///
    /// - Parameter body: Returns whether to go into a directory.
    public mutating func read(_ body: (LayerEntry, Source) throws -> Bool) throws {
        let chain =
            try descriptor.map { descriptor throws(SystemError) in
                try DirectoryChain(root: descriptor, path: root)
            } ?? DirectoryChain(root: root)
        var open = [try OpenDirectory(.root, root, chain, names: names)]
        while !open.isEmpty {
            let last = open.count - 1
            guard let name = open[last].names.popLast() else {
                let opened = open.removeLast().opened
                if !open.isEmpty { try chain.leave() }
                try opened?.restore(in: chain.descriptor)
                continue
            }
            let zeroTerminated = name.map { CChar(bitPattern: $0) } + [0]
            guard let status = FileStatus.of(zeroTerminated, in: chain.descriptor) else { continue }
            let source = Source(
                directory: chain.descriptor,
                name: zeroTerminated,
                status: status,
                parent: open[last].filePath
            )
            let opened = try openUp(source)
            guard let entry = entry(open[last].path.appending(name), source), try body(entry, source),
                entry.kind == .directory
            else {
                try opened?.restore(in: chain.descriptor)
                continue
            }
            try chain.enter(zeroTerminated)
            open.append(try OpenDirectory(entry.path, source.path, chain, opened))
        }
    }

    /// Lets an ordinary user read what is the user's own but has a mode that forbids it.
    private func openUp(_ source: Source) throws(SystemError) -> OpenedFile? {
        let kind = source.status.kind
        guard kind == .directory || kind == .regular && reading == .contents else { return nil }
        return try OpenedFile(source.name, in: source.directory, source.status, user: user, path: source.path)
    }

    /// A directory that is being read.
    private struct OpenDirectory {
        let path: PathInRoot
        /// For messages.
        let filePath: FilePath
        /// What is still to be visited, the next one last.
        var names: [[UInt8]]
        let opened: OpenedFile?

        init(
            _ path: PathInRoot,
            _ filePath: FilePath,
            _ chain: DirectoryChain,
            _ opened: OpenedFile? = nil,
            names: [[UInt8]]? = nil
        ) throws(SystemError) {
            self.opened = opened
            self.path = path
            self.filePath = filePath
            let all: [[UInt8]]
            if let names {
                all = names
            } else {
                all = try FileOperations.names(inDirectory: chain.descriptor, path: filePath)
            }
            self.names = all.sorted { $1.lexicographicallyPrecedes($0) }
        }
    }

    private mutating func entry(_ path: PathInRoot, _ source: Source) -> LayerEntry? {
        let status = source.status
        var entry = LayerEntry(
            path: path,
            kind: .regular,
            permissions: status.permissions,
            userID: status.userID,
            groupID: status.groupID,
            modified: status.modifiedSeconds
        )
        switch status.kind {
        case .regular:
            if status.linkCount > 1 {
                let inode = Inode(device: status.device, inode: status.inode)
                if let first = firstNames[inode] {
                    entry.kind = .hardLink
                    entry.linkTarget = first.bytes
                    return entry
                }
                firstNames[inode] = path
            }
            entry.size = status.size
        case .directory:
            entry.kind = .directory
        case .symbolicLink:
            entry.kind = .symbolicLink
            var buffer = [UInt8](repeating: 0, count: Int(min(max(status.size, 256), 65_536)) + 1)
            let count = buffer.withUnsafeMutableBufferPointer { raw in
                raw.withMemoryRebound(to: CChar.self) { characters in
                    characters.baseAddress.map { readlinkat(source.directory, source.name, $0, characters.count) } ?? -1
                }
            }
            guard count >= 0 else { return nil }
            entry.linkTarget = Array(buffer[..<count])
        case .characterDevice, .blockDevice:
            if whiteouts == .overlay, status.kind == .characterDevice, status.deviceNumber == 0 {
                return LayerEntry(path: path, kind: .whiteout, permissions: 0)
            }
            entry.kind = status.kind == .characterDevice ? .characterDevice : .blockDevice
            entry.deviceMajor = status.deviceMajor
            entry.deviceMinor = status.deviceMinor
        case .fifo:
            entry.kind = .fifo
        case .socket:
            return nil
        }
        readExtendedAttributes(&entry, source)
        return entry
    }

    private func readExtendedAttributes(_ entry: inout LayerEntry, _ source: Source) {
        if user != 0, source.status.userID == user, entry.kind == .symbolicLink || entry.kind == .fifo {
            (entry.userID, entry.groupID) = (0, 0)
            RecordedOwner(accessTimeOf: source.name, in: source.directory)?.apply(to: &entry)
        }
        guard entry.kind != .symbolicLink else { return }
        let (attributes, isOpaque) = TreeReader.extendedAttributes(of: source.name, in: source.directory)
        entry.extendedAttributes = attributes
        // Only an ordinary user's files say so: those of others are whose they are.
        if user != 0, source.status.userID == user, entry.kind == .regular || entry.kind == .directory {
            let record = attributes.firstIndex { $0.name == RecordedOwner.attribute }
            let owner = record.flatMap { RecordedOwner(value: attributes[$0].value) }
            if let record { entry.extendedAttributes.remove(at: record) }
            (entry.userID, entry.groupID) = (0, 0)
            owner?.apply(to: &entry)
        }
        entry.isOpaque = isOpaque && whiteouts == .overlay && entry.kind == .directory
    }

    /// The attributes of a file that a layer keeps, and whether overlayfs takes it for an opaque directory.
    public static func extendedAttributes(of name: [CChar], in directory: Int32) -> (
        kept: [ExtendedAttribute], isOpaque: Bool
    ) {
        var kept: [ExtendedAttribute] = []
        var isOpaque = false
        for attribute in ExtendedAttribute.all(of: name, in: directory) {
            let name = attribute.name
            if name == "trusted.overlay.opaque" || name == "user.overlay.opaque" {
                isOpaque = attribute.value == [UInt8(ascii: "y")]
            } else if name.hasPrefix("trusted.overlay.") || name.hasPrefix("user.overlay.") {
                continue
            } else if name.hasPrefix("user.") || name.hasPrefix("trusted.") || name == "security.capability" {
                kept.append(attribute)
            }
        }
        return (kept, isOpaque)
    }
}
