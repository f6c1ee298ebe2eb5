internal import FileSystem
internal import Glibc
public import Layers
public import SystemPackage
public import Tar

/// Copies files out of an image to this machine, or into a tar, without unpacking anything else.
///
/// No link of the image leads out of it, and none that lies below the destination is followed: a file never takes the
/// place of a directory, nor a directory that of a file.
public struct FileExtraction {
    /// What is copied, without symbolic links.
    private let source: MergedView.Node
    private let files: LayerStack
    private let keepsOwners: Bool
    private let copiesContents: Bool

    /// - Parameters:
    ///   - path: In the image. `directory/.` means what is in the directory and not the directory itself.
    ///   - followsLink: Whether a symbolic link at the path's end is followed.
    ///   - keepsOwners: Whether files keep owner, setuid bits, device numbers and all extended attributes. Otherwise they
    ///     belong to the caller, devices are left out, and nothing makes a program privileged.
    /// - Throws: `AnalysisError.notFound`, `LayerError`.
    public init(_ path: String, of files: LayerStack, followsLink: Bool, keepsOwners: Bool) throws {
        let wanted = PathInRoot(path)
        copiesContents = wanted.isRoot || path.hasSuffix("/.")
        let (_, node) = try files.view.resolve(
            wanted,
            followingLast: followsLink || copiesContents || path.hasSuffix("/")
        )
        guard let node else { throw AnalysisError.notFound(wanted) }
        source = node
        self.files = files
        self.keepsOwners = keepsOwners
        name = Array(wanted.name)
    }

    /// How a copy in a directory is called.
    private let name: [UInt8]
    private var isDirectory: Bool { source.entry.kind == .directory }

    /// Copies to a path, as `docker cp` does: into a directory that is there, otherwise to that name.
    ///
    /// - Returns: What was left out.
    /// - Throws: `AnalysisError.noDestination`, `.destinationIsNoDirectory`, `.specialDestination`,
    ///   `LayerError.inTheWay`, `SystemError`.
    public func copy(to destination: FilePath, endsWithSlash: Bool = false) throws -> [PathInRoot] {
        let existing = FileExtraction.kind(destination)
        if existing == .directory {
            return try copiesContents && isDirectory
                ? write(below: destination, as: .root) : write(below: destination, as: PathInRoot(name))
        }
        guard let last = destination.lastComponent, last.kind == .regular, !endsWithSlash || isDirectory else {
            throw AnalysisError.noDestination(destination.string)
        }
        if existing != nil, isDirectory { throw AnalysisError.destinationIsNoDirectory(destination.string) }
        // A file would take the place of the machine's own `/dev/null`.
        guard [nil, .regular, .symbolicLink].contains(existing) else {
            throw AnalysisError.specialDestination(destination.string)
        }
        let directory = destination.removingLastComponent()
        let parent: FilePath = directory.isEmpty ? "." : directory
        guard FileExtraction.kind(parent) == .directory else { throw AnalysisError.noDestination(parent.string) }
        return try write(below: parent, as: PathInRoot(last.withPlatformString { name in Array(bytes(name)) }))
    }

    /// Writes a tar, in which everything lies below the name of what is copied.
    ///
    /// - Returns: What was left out.
    public func write(to sink: any ByteSink) throws -> [PathInRoot] {
        let tar = TarWriter(sink: sink)
        let omitted = try walk(below: copiesContents && isDirectory ? .root : PathInRoot(name)) { entry, content in
            if !entry.path.isRoot { try tar.write(entry, content: content) }
        }
        try tar.finish()
        return omitted
    }

    private func write(below directory: FilePath, as path: PathInRoot) throws -> [PathInRoot] {
        let writer = try TreeWriter(root: directory, whiteouts: .none, existing: .replacedByTheirKind)
        let omitted = try walk(below: path) { entry, content in
            // The directory itself is the caller's and keeps its attributes.
            if !entry.path.isRoot { try writer.write(entry, content: content) }
        }
        try writer.finish()
        return omitted
    }

    private func walk(
        below prefix: PathInRoot,
        _ body: (LayerEntry, (descriptor: Int32, offset: Int64)?) throws -> Void
    ) throws -> [PathInRoot] {
        var omitted: [PathInRoot] = []
        try files.walk(source.entry.path) { entry, content in
            if !keepsOwners, [.characterDevice, .blockDevice].contains(entry.kind) {
                omitted.append(source.entry.path.joining(entry.path.bytes))
                return
            }
            var entry = keepsOwners ? entry : entry.withoutPrivileges
            entry.path = prefix.joining(entry.path.bytes)
            if entry.kind == .hardLink { entry.linkTarget = prefix.joining(entry.linkTarget).bytes }
            try body(entry, content)
        }
        return omitted
    }

    /// What a path of the caller leads to.
    private static func kind(_ path: FilePath) -> FileStatus.Kind? {
        guard let status = FileStatus.ifPresent(path), status.kind == .symbolicLink else {
            return FileStatus.ifPresent(path)?.kind
        }
        // A link of the caller's own may stand for a directory.
        let directory = try? OwnedDescriptor(path, O_RDONLY | O_DIRECTORY)
        return directory == nil ? status.kind : .directory
    }
}

private func bytes(_ name: UnsafePointer<CChar>) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: UnsafeRawPointer(name).assumingMemoryBound(to: UInt8.self), count: strlen(name))
}
