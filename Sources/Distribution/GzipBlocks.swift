internal import CCompression
internal import FileSystem
internal import Synchronization
internal import SystemPackage
internal import Tar
internal import Threads

/// Compresses a file with gzip on all processors, always to the same bytes whatever their number.
///
/// The file is cut into blocks, each of which becomes a gzip member of its own (RFC 1952, section 2.2), which hold neither
/// a name nor a time: nothing but the content and the level decides about the bytes.
struct GzipBlocks {
    /// Each block is compressed without those before; larger ones make the whole less than a thousandth smaller.
    static let blockSize = 1 << 18

    /// libdeflate's levels 1 to 9.
    let level: Int
    /// How many threads compress at most.
    let threads: Int

    init(level: Int, threads: Int = WorkerGroup.processorCount) {
        self.level = level
        self.threads = threads
    }

    /// What all layers that are compressed at the same time share: more than one block for each processor takes no
    /// less time, and makes everything else wait.
    private static let processors = Semaphore(WorkerGroup.processorCount)

    /// Compresses a whole file.
    ///
    /// - Parameter path: For messages.
    /// - Throws: `SystemError`, `CancellationError`, and what the sink throws.
    func compress(_ descriptor: Int32, path: FilePath, to sink: any ByteSink) throws {
        let size = try FileStatus.of(descriptor: descriptor, path: path).size
        let count = max(Int((size + Int64(Self.blockSize) - 1) / Int64(Self.blockSize)), 1)
        let coders = Mutex<[GzipCoder]>([])
        try WorkerGroup.inOrder(below: count, limit: threads) { number in
            try Task.checkCancellation()
            Self.processors.wait()
            defer { Self.processors.signal() }
            let coder = coders.withLock { $0.popLast() } ?? GzipCoder(level: level)
            defer { coders.withLock { $0.append(coder) } }
            return try coder.member(of: descriptor, at: Int64(number) * Int64(Self.blockSize), path)
        } take: { member in
            try member.withUnsafeBytes { try sink.write($0) }
        }
    }
}

/// Makes gzip members, one after the other.
///
/// One thread has it at a time.
private final class GzipCoder: @unchecked Sendable {
    private let compressor: OpaquePointer
    private let storing: OpaquePointer
    private let probe: OpaquePointer
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: GzipBlocks.blockSize, alignment: 4096)
    private let scratch = UnsafeMutableRawBufferPointer.allocate(
        byteCount: ZSTD_compressBound(GzipBlocks.blockSize),
        alignment: 16
    )

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
        input.deallocate()
        scratch.deallocate()
    }

    /// Compresses the block at an offset of a file.
    func member(of descriptor: Int32, at offset: Int64, _ path: FilePath) throws -> [UInt8] {
        let count = try FileOperations.read(input, from: descriptor, at: offset, path: path)
        let block = UnsafeRawBufferPointer(rebasing: input[..<count])
        // What does not get smaller takes deflate as long as anything else, and zstd finds out twenty times as fast.
        let isDense = isDense(block.prefix(Self.sampleSize)) && isDense(block[...])
        let coder = isDense ? storing : compressor
        let bound = libdeflate_gzip_compress_bound(coder, count)
        return [UInt8](unsafeUninitializedCapacity: bound) { buffer, written in
            written = libdeflate_gzip_compress(coder, block.baseAddress, count, buffer.baseAddress, bound)
            precondition(written > 0, "libdeflate's bound holds")
        }
    }

    /// Whether compressing would save less than one percent.
    private func isDense(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
        let bytes = UnsafeRawBufferPointer(rebasing: bytes)
        guard bytes.count >= 1 << 10 else { return false }
        let size = ZSTD_compressCCtx(probe, scratch.baseAddress, scratch.count, bytes.baseAddress, bytes.count, 1)
        return ZSTD_isError(size) == 0 && size > bytes.count - bytes.count / 100
    }
}
