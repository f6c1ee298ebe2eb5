public import ContentStore
public import FileSystem
public import OCI
internal import SystemPackage

/// The records of steps that ran, one small file for each key.
public struct StepCache: Sendable {
    private let store: Store
    private let directory: FilePath

    public init(_ store: Store) {
        self.store = store
        directory = store[.cache]
    }

    private func path(_ key: Digest) -> FilePath { directory.appending(key.hex) }

    /// The record for a key; `nil` when there is none or when it is damaged or another's.
    public func record(for key: StepKey) -> CacheRecord? {
        record(at: path(key.digest), for: key)
    }

    /// The same by the key's digest alone, to find out what a step was made of.
    public func record(ofKey digest: Digest) -> CacheRecord? {
        guard let record = record(at: path(digest)), record.key.digest == digest else { return nil }
        return record
    }

    /// All records that are not damaged, in no particular order; each is read.
    public var records: [CacheRecord] {
        ((try? FileOperations.names(in: store[.cache])) ?? []).compactMap {
            record(at: store[.cache].appending(bytes: $0))
        }
    }

    private func record(at path: FilePath, for key: StepKey? = nil) -> CacheRecord? {
        guard let bytes = try? FileOperations.readRegular(path, limit: 64 << 20) else { return nil }
        return CacheRecord(decoding: bytes, for: key) { SHA256Hasher.digest(of: $0) }
    }

    /// Keeps a record, in place of an earlier one with its key.
    public func save(_ record: CacheRecord) throws(SystemError) {
        try FileOperations.writeAtomically(
            record.encoded { SHA256Hasher.digest(of: $0) },
            to: path(record.key.digest),
            temporary: store[.temporary]
        )
    }

    /// The diff IDs of all layers that a look-up can give.
    public func layers() throws(SystemError) -> Set<Digest> {
        var result: Set<Digest> = []
        for name in try FileOperations.names(in: store[.cache]) {
            if let layer = record(at: store[.cache].appending(String(decoding: name, as: UTF8.self)))?.layer {
                result.insert(layer.diffID)
            }
        }
        return result
    }
}
