public import FileSystem
public import OCI

/// What a selected root holds: itself if it is a file, everything below it if it is a directory.
///
/// Entries are ordered by component, parents before children, so that a directory's subtree is contiguous. They are
/// kept by directory: a context may hold a hundred thousand files, and whole paths would take most of the memory.
public struct ContextListing: Sendable {
    /// What was listed.
    public let root: SelectedRoot
    /// The root first, or what stands in for it if a file was selected.
    let directories: [ListedDirectory]
    /// The number of entries.
    public let count: Int
    /// By number of the entry; empty until something is known.
    private var digests: [Digest?] = []
    /// What reading told about an entry beyond its digest, where that differs from what the walk saw.
    private var revisions: [Int: Revision] = [:]

    private struct Revision {
        let status: FileStatus
        let extendedAttributes: [ExtendedAttribute]
    }

    /// The place of an entry in its listing.
    public struct Reference: Sendable, Hashable {
        let directory: Int32
        let entry: Int32
    }

    init(root: SelectedRoot, directories: [ListedDirectory]) {
        self.root = root
        var directories = directories
        var count = 0
        for directory in directories.indices {
            directories[directory].firstNumber = count
            count += directories[directory].entries.count
        }
        self.directories = directories
        self.count = count
    }

    public var isEmpty: Bool { count == 0 }

    /// Visits every entry in order; the path is the entry's, relative to the root, or the name of a selected file.
    public func forEach(_ body: (_ path: [UInt8], _ entry: Reference) throws -> Void) rethrows {
        // Not recursive: a context may be thousands of directories deep.
        var open: [(directory: Int, next: Int, prefix: Int)] = [(0, 0, 0)]
        var path: [UInt8] = []
        while let (directory, next, prefix) = open.last {
            path.removeSubrange(prefix...)
            // Not by way of a copy of the directory, whose arrays would be retained for every entry.
            guard next < directories[directory].entries.count else {
                open.removeLast()
                continue
            }
            open[open.count - 1].next += 1
            directories[directory].names.withName(Int(directories[directory].entries[next].name)) { name in
                path.append(contentsOf: name)
            }
            try body(path, Reference(directory: Int32(directory), entry: Int32(next)))
            let child = directories[directory].entries[next].child
            if child >= 0 {
                path.append(PathText.slash)
                open.append((Int(child), 0, path.count))
            }
        }
    }

    /// Everything about an entry, its path included.
    public subscript(reference: Reference) -> ContextEntry {
        ContextEntry(
            path: path(of: reference),
            status: status(of: reference),
            linkTarget: linkTarget(of: reference),
            extendedAttributes: extendedAttributes(of: reference),
            contentDigest: digest(of: reference)
        )
    }

    /// The kind of an entry and what else the walk saw or reading told.
    public func status(of reference: Reference) -> FileStatus {
        if !revisions.isEmpty, let revision = revisions[number(of: reference)] { return revision.status }
        return directories[Int(reference.directory)].entries[Int(reference.entry)].status
    }

    /// SHA-256 of a regular file's content; `nil` until it is known.
    public func digest(of reference: Reference) -> Digest? {
        digests.isEmpty ? nil : digests[number(of: reference)]
    }

    /// The text of a symbolic link; empty for everything else.
    func linkTarget(of reference: Reference) -> [UInt8] {
        let link = directories[Int(reference.directory)].entries[Int(reference.entry)].link
        return link < 0 ? [] : directories[Int(reference.directory)].linkTargets[Int(link)]
    }

    /// Those of directories are known after a walk, those of regular files only once they were read.
    func extendedAttributes(of reference: Reference) -> [ExtendedAttribute] {
        let child = directories[Int(reference.directory)].entries[Int(reference.entry)].child
        if child >= 0 { return directories[Int(child)].extendedAttributes }
        return revisions.isEmpty ? [] : revisions[number(of: reference)]?.extendedAttributes ?? []
    }

    /// The path of an entry in the context, which `ContextDirectory.filePath(_:)` opens.
    public func contextPath(of reference: Reference) -> [UInt8] {
        root.isDirectory ? PathText.appending(path(of: reference), to: root.resolvedPath) : root.resolvedPath
    }

    /// Takes in the digests that are known without reading, of the regular files in no particular order.
    mutating func knowFiles(_ digest: (Reference, FileStatus) -> Digest?) {
        digests = [Digest?](repeating: nil, count: count)
        for directory in directories.indices {
            for entry in directories[directory].entries.indices {
                let status = directories[directory].entries[entry].status
                guard status.kind == .regular else { continue }
                let reference = Reference(directory: Int32(directory), entry: Int32(entry))
                digests[directories[directory].firstNumber + entry] = digest(reference, status)
            }
        }
    }

    /// Takes in what was read.
    mutating func know(_ content: FileContent, of reference: Reference) {
        digests[number(of: reference)] = content.digest
        if content.status != status(of: reference) || !content.extendedAttributes.isEmpty {
            revisions[number(of: reference)] = Revision(
                status: content.status,
                extendedAttributes: content.extendedAttributes
            )
        }
    }

    /// The directory that holds an entry, relative to the context.
    func parent(of reference: Reference) -> [UInt8] {
        guard root.isDirectory else {
            return Array(root.resolvedPath[..<(root.resolvedPath.lastIndex(of: PathText.slash) ?? 0)])
        }
        return PathText.appending(directories[Int(reference.directory)].path, to: root.resolvedPath)
    }

    /// Calls `body` with the name of an entry in its directory, which has a zero byte at its end.
    func withName<Result>(of reference: Reference, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        guard root.isDirectory else {
            let name = root.resolvedPath.reversed().prefix { $0 != PathText.slash }.reversed()
            return (name.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { name in
                body(name.baseAddress.unsafelyUnwrapped)
            }
        }
        let directory = Int(reference.directory)
        let name = Int(directories[directory].entries[Int(reference.entry)].name)
        return directories[directory].names.withName(name) { name in
            // SAFETY: names are stored with a zero byte after each.
            body(UnsafeRawPointer(name.baseAddress.unsafelyUnwrapped).assumingMemoryBound(to: CChar.self))
        }
    }

    private func path(of reference: Reference) -> [UInt8] {
        let directory = Int(reference.directory)
        let name = Int(directories[directory].entries[Int(reference.entry)].name)
        return directories[directory].names.withName(name) { PathText.appending($0, to: directories[directory].path) }
    }

    private func number(of reference: Reference) -> Int {
        directories[Int(reference.directory)].firstNumber + Int(reference.entry)
    }
}

/// One directory of a listing, with what counts of the names in it.
struct ListedDirectory: Sendable {
    struct Entry: Sendable {
        /// The position in `names`.
        let name: UInt32
        /// The position of a directory in the listing; -1 for everything else.
        let child: Int32
        /// The position in `linkTargets`; -1 for everything but symbolic links.
        let link: Int32
        /// A directory that is there only if something below it is.
        let isIgnored: Bool
        let status: FileStatus
    }

    /// Relative to the root; empty for the root.
    let path: [UInt8]
    let names: DirectoryNames
    /// Sorted by name.
    var entries: [Entry] = []
    var linkTargets: [[UInt8]] = []
    /// The directory's own.
    var extendedAttributes: [ExtendedAttribute] = []
    /// The number of the first entry; entries are numbered throughout a listing.
    var firstNumber = 0

    init(path: [UInt8], names: DirectoryNames) {
        self.path = path
        self.names = names
    }
}
