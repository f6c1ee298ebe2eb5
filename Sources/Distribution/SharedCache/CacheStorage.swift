internal import ContentStore
internal import FileSystem
internal import Glibc
internal import OCI
internal import Registry
internal import SystemPackage
internal import Threads

/// A place where entries are shared.
///
/// They never change, so writing one twice does no harm; what builds say of themselves does change, and the last one counts.
protocol CacheStorage: Sendable {
    /// What is said of it: where it is.
    var name: String { get }

    /// What no other place has for a name.
    var identity: String { get }

    /// The repository that has the blobs, if it is in a registry.
    var repository: ImageReference? { get }

    /// The manifest under a key; `nil` where there is none.
    func manifest(for key: Digest) async throws -> [UInt8]?

    /// The keys under which there is something, as far as the place can tell.
    func keys() async throws -> [Digest]

    /// Brings a blob into the store, verified.
    func fetch(_ blob: Descriptor, to blobs: BlobStore) async throws

    /// Takes blobs and a manifest that refers to them, the manifest last.
    func put(_ manifest: RemoteManifest, for key: Digest, _ parts: [Descriptor], from blobs: BlobStore) async throws
}

extension CacheStorage {
    var identity: String { name }

    func keys() async throws -> [Digest] { [] }
}

/// The largest entry that is read or written, as registries have it.
let cacheEntryLimit = 4 << 20

/// A repository, in which each key is a tag.
struct RegistryCacheStorage: CacheStorage {
    let cache: ImageReference
    /// Goes before each key, with a dash, so that several caches have room in one repository.
    let prefix: String?
    let connections: RegistryConnections

    var name: String { cache.familiarRepository }
    var identity: String { "\(name):\(prefix ?? "")" }
    var repository: ImageReference? { cache }

    private var place: RegistryConnections.Place {
        get throws {
            guard let place = try connections.places(for: cache, forPush: true).last else {
                preconditionFailure("a registry has at least one place")
            }
            return place
        }
    }

    private func tag(_ key: Digest) -> String { (prefix.map { "\($0)-" } ?? "") + key.hex }

    func manifest(for key: Digest) async throws -> [UInt8]? {
        let place = try place
        do {
            return try await place.client.manifest(.tag(tag(key)), in: place.repository).bytes
        } catch let error as RegistryError where error.isNotFound {
            return nil
        }
    }

    func keys() async throws -> [Digest] {
        let (place, start) = (try place, prefix.map { "\($0)-" } ?? "")
        return try await place.client.tags(in: place.repository).filter { $0.hasPrefix(start) }
            .compactMap { Digest(hex: $0.dropFirst(start.count)) }
    }

    func fetch(_ blob: Descriptor, to blobs: BlobStore) async throws {
        let place = try place
        try await place.client.fetch(blob, in: place.repository, to: blobs)
    }

    func put(_ manifest: RemoteManifest, for key: Digest, _ parts: [Descriptor], from blobs: BlobStore) async throws {
        try blobs.write(CacheEntry.emptyBytes)
        // While another process sends a blob of the same content, Docker's registry may not know for a moment that it has
        // it.
        for pause in [0.1, 0.5] {
            do {
                return try await putOnce(manifest, for: key, parts, from: blobs)
            } catch let error as RegistryError where error.isOfManifestWithoutBlobs {
                try await Pause.wait(seconds: pause)
                let place = try place
                place.client.forgetBlobs(in: place.repository)
            }
        }
        try await putOnce(manifest, for: key, parts, from: blobs)
    }

    private func putOnce(
        _ manifest: RemoteManifest,
        for key: Digest,
        _ parts: [Descriptor],
        from blobs: BlobStore
    ) async throws {
        let place = try place
        try await withThrowingTaskGroup(of: Void.self) { group in
            for blob in Set(parts + [CacheEntry.emptyDescriptor]) {
                group.addTask {
                    try await place.client.provide(blob, from: blobs.path(blob.digest), to: place.repository)
                }
            }
            try await group.waitForAll()
        }
        try await place.client.put(manifest, as: .tag(tag(key)), in: place.repository)
    }
}

/// A directory: `entries/KEY` are the manifests, `blobs/sha256/DIGEST` what they refer to.
struct DirectoryCacheStorage: CacheStorage {
    let directory: FilePath

    var name: String { directory.string }
    var repository: ImageReference? { nil }

    private func path(_ key: Digest) -> FilePath { directory.appending("entries").appending(key.hex) }

    private var kept: BlobStore {
        BlobStore(directory: directory.appending("blobs").appending("sha256"), temporary: directory)
    }

    func manifest(for key: Digest) throws -> [UInt8]? {
        do throws(SystemError) {
            return try FileOperations.read(path(key), limit: cacheEntryLimit)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw error
        }
    }

    func keys() throws -> [Digest] {
        try FileOperations.names(in: directory.appending("entries")).compactMap { name in
            Digest(hex: String(decoding: name, as: UTF8.self))
        }
    }

    func fetch(_ blob: Descriptor, to blobs: BlobStore) throws {
        let path = kept.path(blob.digest)
        let file = try OwnedDescriptor(path, O_RDONLY | O_NOFOLLOW)
        var writer = try blobs.writer()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            try Task.checkCancellation()
            let count = try FileOperations.read(buffer, from: file.rawValue, at: writer.count, path: path)
            guard count > 0 else { break }
            try writer.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        try writer.commit(expecting: blob.digest)
    }

    func put(_ manifest: RemoteManifest, for key: Digest, _ parts: [Descriptor], from blobs: BlobStore) throws {
        try FileOperations.createDirectories(path(key).removingLastComponent())
        for blob in parts { try put(blob, from: blobs) }
        try FileOperations.writeAtomically(manifest.bytes, to: path(key), temporary: directory)
    }

    private func put(_ blob: Descriptor, from blobs: BlobStore) throws {
        let target = kept.path(blob.digest)
        try FileOperations.createDirectories(target.removingLastComponent())
        // It is sent because something was missing, or because this is what is damaged.
        if kept.size(blob.digest) == blob.size, kept.verify(blob.digest) { return }
        let source = blobs.path(blob.digest)
        let opened = try OwnedDescriptor(source, O_RDONLY | O_NOFOLLOW)
        let file = try TemporaryFile(in: directory)
        let copied = try FileOperations.copySparsely(
            from: opened.rawValue,
            offset: 0,
            size: blob.size,
            to: file.descriptor,
            path: source
        )
        guard copied == blob.size else { throw ContentStoreError.damaged(blob.digest) }
        try file.replace(target)
    }
}
