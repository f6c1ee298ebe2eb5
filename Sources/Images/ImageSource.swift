internal import ContentStore
internal import FileSystem
internal import Glibc
internal import Layers
internal import OCI
internal import SystemPackage
internal import Tar

/// What holds images outside the store: an archive or a layout directory.
///
/// Nothing in it is trusted.
protocol ImageSource {
    /// For messages.
    var name: String { get }
    /// A document at the top, `nil` when there is none.
    func document(_ name: String) throws -> [UInt8]?
    /// Makes sure that the store has a blob of the layout, verified.
    func fetch(_ digest: Digest, size: Int64) throws
    /// Makes sure that the store has a file of the archive as a blob, and tells which.
    func fetch(member: String) throws -> (digest: Digest, size: Int64)
}

/// An archive that was read once from start to end: its files are blobs of the store now, nothing is in memory but
/// the few documents at its top.
struct ArchiveSource: ImageSource {
    private enum Member {
        case blob(Digest, Int64)
        case link(PathInRoot)
    }

    let name: String
    private let store: Store
    private var documents: [String: [UInt8]] = [:]
    private var members: [PathInRoot: Member] = [:]

    private static let documentNames: Set<String> = ["index.json", "manifest.json", "oci-layout", "repositories"]
    private static let memberLimit = 1 << 17

    init(descriptor: Int32, name: String, store: Store) throws {
        self.name = name
        self.store = store
        let reader = try ArchiveReader(descriptor: descriptor, name: name)
        while let entry = try reader.next() {
            guard members.count < ArchiveSource.memberLimit else {
                throw ImageError.malformed(name, reason: "it has more than \(ArchiveSource.memberLimit) members")
            }
            switch entry.kind {
            case .regular: try take(entry, reader)
            case .hardLink: members[entry.path] = .link(PathInRoot(entry.linkTarget))
            case .symbolicLink:
                // Older `docker save` links equal layers; a link leads to another member or nowhere.
                guard entry.linkTarget.first != UInt8(ascii: "/") else { continue }
                members[entry.path] = .link(entry.path.parent.joining(entry.linkTarget))
            default: break
            }
        }
    }

    private mutating func take(_ entry: LayerEntry, _ reader: ArchiveReader) throws {
        let path = String(entry.path.description.dropFirst())
        if ArchiveSource.documentNames.contains(path) {
            guard entry.size <= ImageStore.documentLimit else {
                throw ImageError.tooLarge("`\(path)` of \(name)", limit: Int64(ImageStore.documentLimit))
            }
            documents[path] = try ArchiveSource.readAll(reader)
            return
        }
        // What `docker save` added before it had manifests.
        if ["VERSION", "json"].contains(where: { entry.path.name.elementsEqual($0.utf8) }) { return }
        let promised = ArchiveSource.blobDigest(path)
        if path.hasPrefix("blobs/"), promised == nil { return }
        if let promised, store.blobs.size(promised) == entry.size, store.blobs.verify(promised) {
            members[entry.path] = .blob(promised, entry.size)
            return
        }
        let writer = try BlobSink(store.blobs)
        try reader.readContent { try writer.write($0) }
        let size = writer.count
        guard let promised else {
            members[entry.path] = .blob(try writer.commit(), size)
            return
        }
        do {
            try writer.commit(expecting: promised)
        } catch is ContentStoreError {
            throw ImageError.damagedMember(path, archive: name)
        }
        members[entry.path] = .blob(promised, size)
    }

    private static func readAll(_ reader: ArchiveReader) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try reader.readContent { bytes.append(contentsOf: $0) }
        return bytes
    }

    private static func blobDigest(_ path: String) -> Digest? {
        let prefix = "blobs/sha256/"
        return path.hasPrefix(prefix) ? Digest(hex: path.dropFirst(prefix.count)) : nil
    }

    func document(_ name: String) -> [UInt8]? { documents[name] }

    func fetch(_ digest: Digest, size: Int64) throws {
        let path = "blobs/sha256/\(digest.hex)"
        guard case .blob(_, let actual)? = members[PathInRoot(path)] else {
            throw ImageError.missingMember(path, archive: name)
        }
        guard actual == size else { throw ImageError.damagedMember(path, archive: name) }
    }

    func fetch(member: String) throws -> (digest: Digest, size: Int64) {
        guard let path = PathInRoot(archiveMember: Array(member.utf8)), let blob = blob(at: path, links: 0) else {
            throw ImageError.missingMember(member, archive: name)
        }
        return blob
    }

    private func blob(at path: PathInRoot, links: Int) -> (digest: Digest, size: Int64)? {
        switch members[path] {
        case .blob(let digest, let size)?: (digest, size)
        case .link(let target)? where links < 16: blob(at: target, links: links + 1)
        default: nil
        }
    }
}

/// An OCI layout directory; only regular files in real directories are read, so no link leads elsewhere.
final class DirectorySource: ImageSource {
    let name: String
    private let path: FilePath
    private let store: Store
    private let root: OwnedDescriptor

    init(_ path: FilePath, store: Store) throws {
        self.path = path
        self.store = store
        name = "`\(path)`"
        root = try OwnedDescriptor(path, O_RDONLY | O_DIRECTORY)
    }

    func document(_ name: String) throws -> [UInt8]? {
        guard let file = try open([name]) else { return nil }
        return try read(file.rawValue, name)
    }

    private func read(_ descriptor: Int32, _ name: String) throws -> [UInt8] {
        let status = try FileStatus.of(descriptor: descriptor, path: path.appending(name))
        guard status.size <= ImageStore.documentLimit else {
            throw ImageError.tooLarge("`\(name)` of \(self.name)", limit: Int64(ImageStore.documentLimit))
        }
        return try FileOperations.read(
            descriptor: descriptor,
            path: path.appending(name),
            limit: ImageStore.documentLimit
        )
    }

    func fetch(_ digest: Digest, size: Int64) throws {
        let member = "blobs/sha256/\(digest.hex)"
        if store.blobs.size(digest) == size, store.blobs.verify(digest) { return }
        guard let file = try open(["blobs", "sha256", digest.hex]) else {
            throw ImageError.missingMember(member, archive: name)
        }
        guard try FileStatus.of(descriptor: file.rawValue, path: path).size == size else {
            throw ImageError.damagedMember(member, archive: name)
        }
        let writer = try BlobSink(store.blobs)
        try FileOperations.forEachPiece(of: file.rawValue, path: path.appending(member)) { try writer.write($0) }
        do {
            try writer.commit(expecting: digest)
        } catch is ContentStoreError {
            throw ImageError.damagedMember(member, archive: name)
        }
    }

    func fetch(member: String) throws -> (digest: Digest, size: Int64) {
        throw ImageError.unknownArchive(name)
    }

    /// Opens a directory below another, which stays open; `nil` when it does not exist.
    private func openDirectory(_ parent: Int32, _ components: ArraySlice<String>) throws -> OwnedDescriptor? {
        guard let name = components.first else { return try OwnedDescriptor(duplicating: parent, path: path) }
        guard let next = OwnedDescriptor(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) else {
            if Errno.current == .noSuchFileOrDirectory { return nil }
            throw SystemError("open", path.appending(name))
        }
        if components.count > 1 { return try openDirectory(next.rawValue, components.dropFirst()) }
        return next
    }

    /// Opens a regular file; `nil` when it does not exist.
    private func open(_ components: [String]) throws -> OwnedDescriptor? {
        guard let directory = try openDirectory(root.rawValue, components.dropLast()) else { return nil }
        let last = components.last ?? ""
        let result = openat(directory.rawValue, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard let file = OwnedDescriptor(result) else {
            if Errno.current == .noSuchFileOrDirectory { return nil }
            guard Errno.current == .tooManySymbolicLinkLevels else { throw SystemError("open", path.appending(last)) }
            throw ImageError.malformed(name, reason: "`\(last)` is a symbolic link")
        }
        guard try FileStatus.of(descriptor: file.rawValue, path: path.appending(last)).kind == .regular else {
            throw ImageError.malformed(name, reason: "`\(last)` is not a regular file")
        }
        return file
    }
}
