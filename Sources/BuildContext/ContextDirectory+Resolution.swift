internal import FileSystem
internal import Glibc
internal import SystemPackage

extension ContextDirectory {
    /// Where a path of the context leads once every symbolic link is followed.
    enum Resolution {
        case found(path: [UInt8], status: FileStatus)
        /// `directory` is the last one on the way that exists, and has no such `name`.
        case missing(directory: [[UInt8]], name: [UInt8])
        case ignored(IgnoreFile.Decision)
    }

    /// How many symbolic links one path may lead through, as in BuildKit.
    private static let linkLimit = 255

    /// Follows symbolic links component by component, each as if the context were the root directory.
    ///
    /// What is ignored does not exist: neither as a link on the way nor as its end.
    func resolve(_ components: [[UInt8]]) throws(BuildContextError) -> Resolution {
        var pending = Array(components.reversed())
        var resolved: [[UInt8]] = []
        var status = try existing([])
        var links = 0
        while let name = pending.popLast() {
            if PathText.isDot(name[...]) { continue }
            if PathText.isDotDot(name[...]) {
                if !resolved.isEmpty { resolved.removeLast() }
                status = try existing(resolved)
                continue
            }
            guard status?.kind == .directory, let next = try existing(resolved + [name]) else {
                return .missing(directory: resolved, name: name)
            }
            guard next.kind == .symbolicLink else {
                resolved.append(name)
                status = next
                continue
            }
            let link = PathText.joined(resolved + [name])
            if let decision = ignoreFile.decision(for: link), decision.isIgnored { return .ignored(decision) }
            links += 1
            guard links <= ContextDirectory.linkLimit else { throw .symbolicLinkLoop(PathText.joined(components)) }
            let target = try readLink(link)
            if target.first == PathText.slash {
                resolved = []
                status = try existing([])
            }
            pending.append(contentsOf: target.split(separator: PathText.slash).map { Array($0) }.reversed())
        }
        guard let status else { return .missing(directory: [], name: []) }
        return try visible(PathText.joined(resolved), status)
    }

    private func visible(_ path: [UInt8], _ status: FileStatus) throws(BuildContextError) -> Resolution {
        guard let decision = ignoreFile.decision(for: path), decision.isIgnored else {
            return .found(path: path, status: status)
        }
        // An ignored directory is there after all when an exception brings back something in it.
        if status.kind == .directory {
            let root = SelectedRoot(path: path, resolvedPath: path, status: status)
            let walk = ContextWalk(context: self, root: root, excluding: [], stopsAtFirst: true)
            if try !walk.listing().isEmpty { return .found(path: path, status: status) }
        }
        return .ignored(decision)
    }

    /// The status of a path without links but perhaps the last; `nil` when nothing is there.
    func existing(_ components: [[UInt8]]) throws(BuildContextError) -> FileStatus? {
        guard !components.contains(where: { $0.contains(0) }) else { return nil }
        do {
            return try FileStatus.of(filePath(PathText.joined(components)))
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory, .notDirectory, .fileNameTooLong: return nil
            default: throw .system(error)
            }
        }
    }

    func readLink(_ path: [UInt8]) throws(BuildContextError) -> [UInt8] {
        let file = filePath(path)
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = file.withPlatformString { readlink($0, &buffer, buffer.count) }
        guard count >= 0 else { throw .system(SystemError("read the symbolic link", file)) }
        return buffer.prefix(count).map { UInt8(bitPattern: $0) }
    }
}
