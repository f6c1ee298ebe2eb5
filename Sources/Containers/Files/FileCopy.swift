internal import FileSystem
internal import Glibc
internal import Layers
internal import SystemPackage
public import Tar

/// Copies files from this machine to a container or back, or into a tar, by the rules of `docker cp`.
///
/// No link leads out of a container, and none that lies below the destination is followed: a file never takes the place
/// of a directory, nor a directory that of a file.
public struct FileCopy {
    private let source: FileLocation
    /// Read from here: the directory itself where its contents are copied, otherwise what holds it.
    private let directory: OpenFile
    private let files: ContainerFiles?
    private let keepsOwners: Bool
    private let copiesContents: Bool
    /// How a copy in a directory is called.
    private let name: [UInt8]

    /// - Parameters:
    ///   - path: `directory/.` means what is in the directory and not the directory itself.
    ///   - files: Of the container that has it; `nil` for a path of this machine.
    ///   - followsLink: Whether a symbolic link at the path's end is followed.
    ///   - keepsOwners: Whether files keep their owners. Otherwise they belong to root in a container; outside to the
    ///     caller, without setuid bits and devices.
    /// - Throws: `FileCopyError`, `SystemError`.
    public init(_ path: String, of files: ContainerFiles?, followsLink: Bool, keepsOwners: Bool) throws {
        let isDirectoryWanted = path.hasSuffix("/") || path.hasSuffix("/.") || path == "."
        source = try FileCopy.location(path, of: files, followingLast: followsLink || isDirectoryWanted)
        guard source.status != nil else { throw FileCopyError.notFound(path, inContainer: files != nil) }
        guard !isDirectoryWanted || source.isDirectory else { throw FileCopyError.notADirectory(path) }
        copiesContents = source.name == nil || path.hasSuffix("/.")
        directory = copiesContents ? try source.openDirectory() : source.directory
        name = Array(PathInRoot(path).name)
        (self.files, self.keepsOwners) = (files, keepsOwners)
    }

    private static func location(_ path: String, of files: ContainerFiles?, followingLast: Bool) throws -> FileLocation
    {
        do {
            return try files?.location(path, followingLast: followingLast)
                ?? FileLocation(path, followingLast: followingLast)
        } catch let error as SystemError where error.errno == .noSuchFileOrDirectory {
            throw FileCopyError.notFound(path, inContainer: files != nil)
        } catch let error as SystemError where error.errno == .notDirectory {
            throw FileCopyError.notADirectory("\(error.path)")
        }
    }

    /// Copies into a directory that is there, otherwise to that name.
    ///
    /// - Parameter files: Of the container that the path is in; `nil` for a path of this machine.
    /// - Returns: What was left out.
    /// - Throws: `FileCopyError`, `LayerError.inTheWay`, `SystemError`.
    public func copy(to path: String, of files: ContainerFiles?) throws -> [PathInRoot] {
        let place: FileLocation
        do {
            place = try FileCopy.location(path, of: files, followingLast: true)
        } catch FileCopyError.notFound {
            throw FileCopyError.noDestination(path)
        }
        if place.isDirectory {
            let inside = copiesContents && source.isDirectory ? PathInRoot.root : PathInRoot(name)
            return try write(into: try place.openDirectory(), inside, path)
        }
        guard !path.hasSuffix("/") || source.isDirectory else {
            throw place.status == nil ? FileCopyError.noDestination(path) : .notADirectory(path)
        }
        guard place.status == nil || !source.isDirectory else { throw FileCopyError.directoryOverFile(path) }
        // A file would take the place of the machine's own `/dev/null`.
        guard [nil, .regular].contains(place.status?.kind) else { throw FileCopyError.specialDestination(path) }
        return try write(into: place.directory, PathInRoot(place.name ?? []), path)
    }

    private func write(into directory: OpenFile, _ prefix: PathInRoot, _ path: String) throws -> [PathInRoot] {
        let writer = try TreeWriter(
            root: FilePath(path),
            descriptor: directory.descriptor,
            whiteouts: .none,
            existing: .replacedByTheirKind
        )
        let omitted = try walk(below: prefix) { try writer.write($0, content: $1) }
        try writer.finish()
        return omitted
    }

    /// Writes a tar, in which everything lies below the name of what is copied.
    ///
    /// - Returns: What was left out.
    public func write(to sink: any ByteSink) throws -> [PathInRoot] {
        let tar = TarWriter(sink: sink)
        let omitted = try walk(below: copiesContents ? .root : PathInRoot(name)) { entry, content in
            try tar.write(entry, content: content)
        }
        try tar.finish()
        return omitted
    }

    /// Writes a file, or a directory with what is in it, into a tar under another path.
    func write(to tar: TarWriter, as path: PathInRoot) throws {
        _ = try walk(below: path) { entry, content in try tar.write(entry, content: content) }
    }

    private func walk(
        below prefix: PathInRoot,
        _ body: (LayerEntry, (descriptor: Int32, offset: Int64)?) throws -> Void
    ) throws -> [PathInRoot] {
        var omitted: [PathInRoot] = []
        // How many bytes of a path stand for what `prefix` takes the place of.
        let depth = copiesContents ? 0 : source.name?.count ?? 0
        func moved(_ path: some Collection<UInt8>) -> PathInRoot { prefix.joining(path.dropFirst(depth)) }
        if copiesContents, !prefix.isRoot, let status = source.status {
            var entry = LayerEntry.directory(prefix, modified: status.modifiedSeconds)
            (entry.permissions, entry.userID, entry.groupID) = (status.permissions, status.userID, status.groupID)
            try body(owned(entry), nil)
        }
        let skipped = copiesContents && files != nil && PathInRoot(source.path.string).isRoot
        var reader = TreeReader(
            root: source.path,
            whiteouts: .none,
            descriptor: directory.descriptor,
            names: copiesContents ? nil : source.name.map { [$0] }
        )
        try reader.read { found, place in
            var entry = owned(found)
            entry.path = moved(found.path.bytes)
            if entry.kind == .hardLink { entry.linkTarget = moved(found.linkTarget).bytes }
            if files != nil, !keepsOwners, [.characterDevice, .blockDevice].contains(entry.kind) {
                omitted.append(PathInRoot(source.path.string).joining(found.path.bytes.dropFirst(depth)))
                return false
            }
            guard entry.kind == .regular else {
                try body(entry, nil)
                return !skipped || !ContainerFiles.surroundings.contains("\(found.path)".dropFirst().description)
            }
            let file = try place.open()
            try body(entry, (file.rawValue, 0))
            return true
        }
        return omitted
    }

    private func owned(_ entry: LayerEntry) -> LayerEntry {
        if keepsOwners { return entry }
        if files != nil { return entry.withoutPrivileges }
        var entry = entry
        (entry.userID, entry.groupID) = (0, 0)
        return entry
    }
}

extension ContainerFiles {
    /// Unpacks a tar, plain or compressed, into a directory that exists, with the owners that it says.
    ///
    /// - Throws: `FileCopyError`, `LayerError`, `SystemError`.
    public func unpack(_ archive: ArchiveReader, into path: String) throws {
        let place: FileLocation
        do {
            place = try location(path, followingLast: true)
        } catch let error as SystemError where [.noSuchFileOrDirectory, .notDirectory].contains(error.errno) {
            throw FileCopyError.noDestination(path)
        }
        guard place.status != nil else { throw FileCopyError.noDestination(path) }
        guard place.isDirectory else { throw FileCopyError.notADirectory(path) }
        let directory = try place.openDirectory()
        try ArchiveUnpacker(existing: directory.descriptor, root: FilePath(path)).unpack(archive)
    }
}
