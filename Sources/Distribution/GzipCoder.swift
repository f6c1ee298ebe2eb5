internal import CCompression
internal import FileSystem
internal import SystemPackage
internal import Tar

/// Makes gzip members, one after the other.
///
/// One thread has it at a time.
final class GzipCoder: @unchecked Sendable {
    private let compressor: OpaquePointer
    private let storing: OpaquePointer
    private let probe: OpaquePointer
    private let input = ByteBuffer(capacity: 0)
    private let scratch = ByteBuffer(capacity: 0)

    /// The window of deflate twice: what is in there more than once shows.
    private static let sampleSize = 1 << 16

    init(level: Int) {
        guard let compressor = libdeflate_alloc_compressor(Int32(level)),
            let storing = libdeflate_alloc_compressor(0), let probe = ZSTD_createCCtx()
        else { preconditionFailure("libdeflate needs at most a few megabytes") }
        (self.compressor, self.storing, self.probe) = (compressor, storing, probe)
    }

    deinit {
        libdeflate_free_compressor(compressor)
        libdeflate_free_compressor(storing)
        ZSTD_freeCCtx(probe)
    }

    /// Compresses the block at an offset of a file.
    func member(of descriptor: Int32, at offset: Int64, _ size: Int, _ path: FilePath) throws -> [UInt8] {
        input.removeAll()
        let buffer = input.append(size)
        let count = try FileOperations.read(buffer, from: descriptor, at: offset, path: path)
        return member(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }

    func member(_ block: UnsafeRawBufferPointer) -> [UInt8] {
        // What does not get smaller takes deflate as long as anything else, and zstd finds out twenty times as fast.
        let isDense = isDense(block.prefix(Self.sampleSize)) && isDense(block[...])
        let coder = isDense ? storing : compressor
        let bound = libdeflate_gzip_compress_bound(coder, block.count)
        return [UInt8](unsafeUninitializedCapacity: bound) { buffer, written in
            written = libdeflate_gzip_compress(coder, block.baseAddress, block.count, buffer.baseAddress, bound)
            precondition(written > 0, "libdeflate's bound holds")
        }
    }

    /// Whether compressing would save less than one percent.
    private func isDense(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
        let bytes = UnsafeRawBufferPointer(rebasing: bytes)
        guard bytes.count >= 1 << 10 else { return false }
        scratch.removeAll()
        let space = scratch.append(ZSTD_compressBound(bytes.count))
        let size = ZSTD_compressCCtx(probe, space.baseAddress, space.count, bytes.baseAddress, bytes.count, 1)
        return ZSTD_isError(size) == 0 && size > bytes.count - bytes.count / 100
    }
}
