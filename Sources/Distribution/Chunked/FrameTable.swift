internal import ContentStore
internal import FileSystem
internal import OCI
internal import SystemPackage

/// Where the compressed chunks are in blobs that this store has made, so that those of files that did not change are copied.
///
/// It lies beside what is remembered of compressed layers, and has nothing that came from elsewhere.
struct FrameTable {
    /// A compressed chunk.
    struct Frame {
        /// Of the content, and how much that is.
        var digest: Digest
        var count: Int64
        /// CRC-64 of the content.
        var checksum: UInt64
        /// Where it is in the blob.
        var offset: Int64
        var length: Int64
        /// Of the compressed bytes: the disk may have changed them since.
        var compressedDigest: Digest
    }

    /// The blob that has them.
    let blob: Digest
    let frames: [Frame]

    private static let suffix = "-frames"
    private static let frameSize = 96
    /// Tables that are looked into for one layer.
    private static let tableLimit = 8
    private static let sizeLimit = 1 << 28

    static func path(_ record: FilePath) -> FilePath { FilePath(record.string + suffix) }

    init(blob: Digest, frames: [Frame]) { (self.blob, self.frames) = (blob, frames) }

    /// Reads a table; `nil` for one of another version, or a damaged one.
    init?(_ path: FilePath, _ form: ChunkedForm) {
        let overhead = 3 * Digest.byteCount
        guard let bytes = try? FileOperations.readRegular(path, limit: Self.sizeLimit), bytes.count >= overhead,
            (bytes.count - overhead).isMultiple(of: Self.frameSize), Self.digest(bytes, 0) == form.identity,
            SHA256Hasher.digest(of: Array(bytes.dropLast(Digest.byteCount)))
                == Self.digest(bytes, bytes.count - Digest.byteCount)
        else { return nil }
        blob = Self.digest(bytes, Digest.byteCount)
        frames = stride(from: 2 * Digest.byteCount, to: bytes.count - Digest.byteCount, by: Self.frameSize).map {
            start in
            func number(_ position: Int) -> UInt64 {
                bytes.withUnsafeBytes {
                    UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: start + position, as: UInt64.self))
                }
            }
            return Frame(
                digest: Self.digest(bytes, start),
                count: Int64(bitPattern: number(32)),
                checksum: number(40),
                offset: Int64(bitPattern: number(48)),
                length: Int64(bitPattern: number(56)),
                compressedDigest: Self.digest(bytes, start + 64)
            )
        }
    }

    private static func digest(_ bytes: [UInt8], _ offset: Int) -> Digest {
        bytes.withUnsafeBytes {
            Digest(rawBytes: UnsafeRawBufferPointer(rebasing: $0[offset..<(offset + Digest.byteCount)]))
        }
    }

    func write(to path: FilePath, _ form: ChunkedForm, temporary: FilePath) throws {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(3 * Digest.byteCount + frames.count * Self.frameSize)
        bytes += form.identity.bytes
        bytes += blob.bytes
        for frame in frames {
            bytes += frame.digest.bytes
            for number in [
                UInt64(bitPattern: frame.count), frame.checksum, UInt64(bitPattern: frame.offset),
                UInt64(bitPattern: frame.length),
            ] {
                withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
            }
            bytes += frame.compressedDigest.bytes
        }
        bytes += SHA256Hasher.digest(of: bytes).bytes
        guard bytes.count <= Self.sizeLimit else { return }
        try FileOperations.writeAtomically(bytes, to: path, temporary: temporary)
    }

    /// The newest tables of a form; those whose blobs are gone are removed.
    static func newest(in store: Store, _ name: String, _ form: ChunkedForm) -> [FrameTable] {
        let ending = Array("-\(name)\(suffix)".utf8)
        let names = (try? FileOperations.names(in: store[.compressed])) ?? []
        let dated = names.compactMap { name -> (path: FilePath, modified: Int64)? in
            guard name.suffix(ending.count).elementsEqual(ending) else { return nil }
            let path = store[.compressed].appending(String(decoding: name, as: UTF8.self))
            return FileStatus.ifPresent(path).map { (path, $0.modified) }
        }
        var tables: [FrameTable] = []
        for (path, _) in dated.sorted(by: { $0.modified > $1.modified }) where tables.count < tableLimit {
            guard let table = FrameTable(path, form), store.blobs.size(table.blob) != nil else {
                try? FileOperations.remove(path)
                continue
            }
            tables.append(table)
        }
        return tables
    }
}
