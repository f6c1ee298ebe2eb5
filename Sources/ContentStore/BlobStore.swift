public import FileSystem
internal import Glibc
public import OCI
public import SystemPackage

/// Immutable files named by the SHA-256 of their bytes.
public struct BlobStore: Sendable {
    let directory: FilePath
    let temporary: FilePath

    /// - Parameters:
    ///   - directory: The directory `blobs/sha256` of an OCI image layout, or one of the same form.
    ///   - temporary: Where files are until they are whole, on the same filesystem.
    public init(directory: FilePath, temporary: FilePath) {
        (self.directory, self.temporary) = (directory, temporary)
    }

    /// Where the blob is or would be.
    public func path(_ digest: Digest) -> FilePath { directory.appending(digest.hex) }

    /// The size in bytes of a blob that is there; `nil` for one that is missing or no regular file.
    public func size(_ digest: Digest) -> Int64? {
        guard let status = FileStatus.ifPresent(path(digest)), status.kind == .regular else { return nil }
        return status.size
    }

    /// Reads a small document whole and verifies it.
    ///
    /// - Parameter limit: A bound on manifests and configurations, since an image from elsewhere may claim any size.
    /// - Throws: `ContentStoreError.missing`, `.damaged`, or `SystemError`.
    public func read(_ digest: Digest, limit: Int = 16 << 20) throws -> [UInt8] {
        let bytes: [UInt8]
        do {
            bytes = try FileOperations.readRegular(path(digest), limit: limit)
        } catch {
            guard size(digest) == nil else { throw error }
            throw FileStatus.ifPresent(path(digest)) == nil
                ? ContentStoreError.missing(digest) : ContentStoreError.damaged(digest)
        }
        guard SHA256Hasher.digest(of: bytes) == digest else { throw ContentStoreError.damaged(digest) }
        return bytes
    }

    /// Whether the blob is there and its content is exactly this.
    public func holds(_ bytes: [UInt8], _ digest: Digest) -> Bool {
        (try? FileOperations.readRegular(path(digest), limit: bytes.count)) == bytes
    }

    /// Stores bytes at hand under their digest.
    ///
    /// One that is there already is replaced only when it is damaged.
    @discardableResult
    public func write(_ bytes: [UInt8]) throws(SystemError) -> Digest {
        let digest = SHA256Hasher.digest(of: bytes)
        if holds(bytes, digest) { return digest }
        try FileOperations.writeAtomically(bytes, to: path(digest), temporary: temporary)
        return digest
    }

    /// Starts a blob whose bytes come piece by piece.
    ///
    /// - Parameter isForLater: Whether it is unlikely to be read soon, so that it need not stay in memory.
    public func writer(isForLater: Bool = false) throws(SystemError) -> BlobWriter {
        BlobWriter(file: try TemporaryFile(in: temporary), store: self, isForLater: isForLater)
    }

    /// Whether the blob's bytes have its digest; reads it whole.
    public func verify(_ digest: Digest) -> Bool {
        guard let file = try? OwnedDescriptor(regularFile: path(digest)) else { return false }
        var hasher = SHA256Hasher()
        do {
            try FileOperations.forEachPiece(of: file.rawValue, path: path(digest)) { hasher.update($0) }
            return hasher.finish() == digest
        } catch {
            return false
        }
    }
}

/// A blob while it is written: every byte goes to the file and into the digest in one pass, and many zeros only into the
/// digest.
public struct BlobWriter: ~Copyable {
    private let file: TemporaryFile
    private var output: SparseWriter
    private let store: BlobStore
    private let isForLater: Bool
    private var hasher = SHA256Hasher()
    /// Up to here reading is cheaper than replacing.
    private static let smallSize = 1 << 16
    /// Bytes written so far.
    public var count: Int64 { output.count }
    /// Where they are until the blob has its name.
    public var path: FilePath { file.path }

    init(file: TemporaryFile, store: BlobStore, isForLater: Bool) {
        self.file = file
        output = SparseWriter(descriptor: file.descriptor, path: file.path)
        self.store = store
        self.isForLater = isForLater
    }

    public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        hasher.update(bytes)
        try output.write(bytes, isForLater: isForLater)
    }

    /// Waits until what was written is on disk; nothing may be written after it.
    public mutating func synchronize() throws(SystemError) {
        try output.finish()
        guard fdatasync(file.descriptor) == 0 else { throw SystemError("write", file.path) }
    }

    /// Gives the blob its name if it is the one that was promised; otherwise nothing of it stays.
    ///
    /// - Throws: `ContentStoreError.damaged` when the bytes have another digest.
    public consuming func commit(expecting digest: Digest) throws {
        guard hasher.finish() == digest else { throw ContentStoreError.damaged(digest) }
        try output.finish()
        try file.replace(store.path(digest))
    }

    /// Gives the blob its name.
    ///
    /// A blob of that name that is there already is replaced: it may be damaged, and these bytes are not. A small one is
    /// looked at first, since ext4 writes a file that replaces another to the disk at once.
    public consuming func commit() throws(SystemError) -> Digest {
        let digest = hasher.finish()
        if count <= BlobWriter.smallSize, store.size(digest) == count, (try? store.read(digest)) != nil {
            return digest
        }
        try output.finish()
        try file.replace(store.path(digest))
        return digest
    }
}

/// What is wrong with content of the store.
public enum ContentStoreError: Error, Sendable, Equatable {
    case missing(Digest)
    case damaged(Digest)
}

extension ContentStoreError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missing(let digest): "blob \(digest) is not in the store"
        case .damaged(let digest): "blob \(digest) is damaged: its content does not have that digest"
        }
    }
}
