internal import CCompression
internal import FileSystem
internal import Threads

/// Compresses with gzip on all processors (RFC 1952), always to the same bytes whatever their number.
///
/// The input is cut into blocks, each compressed on its own with the end of the block before as its dictionary, so that
/// almost nothing is lost by cutting; the result is one gzip member that any reader takes.
struct ParallelGzip {
    static let blockSize = 1 << 18
    private static let windowSize = 1 << 15

    private let level: Int32
    private var window: [UInt8] = []
    private var checksum: UInt = crc32(0, nil, 0)
    private var count: UInt64 = 0

    /// Neither a name nor a time nor a system, so that nothing but the content decides about the bytes.
    static let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]

    init(level: Int) { self.level = Int32(level) }

    /// Compresses the next part of the input.
    ///
    /// - Parameter bytes: Whole blocks, unless it is the last part.
    mutating func compress(_ bytes: UnsafeRawBufferPointer, isLast: Bool) -> [[UInt8]] {
        let count = max((bytes.count + ParallelGzip.blockSize - 1) / ParallelGzip.blockSize, isLast ? 1 : 0)
        guard count > 0 else { return [] }
        let (level, window) = (level, window)
        nonisolated(unsafe) let input = bytes
        // Each iteration writes its own element only.
        let results = UnsafeMutableBufferPointer<Block>.allocate(capacity: count)
        results.initialize(repeating: Block())
        nonisolated(unsafe) let shared = results
        WorkerGroup.forEach(below: count) { index in
            let start = index * ParallelGzip.blockSize
            let end = min(start + ParallelGzip.blockSize, input.count)
            let block = UnsafeRawBufferPointer(rebasing: input[start..<end])
            let isEnd = isLast && index == count - 1
            if index == 0 {
                shared[index] = window.withUnsafeBytes { Block(block, after: $0, level: level, isEnd: isEnd) }
            } else {
                let before = UnsafeRawBufferPointer(rebasing: input[(start - ParallelGzip.windowSize)..<start])
                shared[index] = Block(block, after: before, level: level, isEnd: isEnd)
            }
        }
        defer {
            results.deinitialize()
            results.deallocate()
        }
        for block in results {
            checksum = crc32_combine(checksum, block.checksum, block.count)
            self.count += UInt64(block.count)
        }
        self.window = Array(bytes.suffix(ParallelGzip.windowSize))
        return results.map(\.bytes)
    }

    /// What follows the last part.
    var trailer: [UInt8] {
        [UInt32(truncatingIfNeeded: checksum), UInt32(truncatingIfNeeded: count)].flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
    }

    private struct Block {
        var bytes: [UInt8] = []
        var checksum: UInt = 0
        var count = 0

        init() {}

        init(_ input: UnsafeRawBufferPointer, after window: UnsafeRawBufferPointer, level: Int32, isEnd: Bool) {
            count = input.count
            let start = input.bindMemory(to: UInt8.self).baseAddress
            checksum = crc32(crc32(0, nil, 0), start, UInt32(count))
            var stream = z_stream()
            guard sb_deflate_init(&stream, level) == Z_OK else { preconditionFailure("zlib needs a few hundred KB") }
            defer { deflateEnd(&stream) }
            if !window.isEmpty {
                deflateSetDictionary(&stream, window.bindMemory(to: UInt8.self).baseAddress, UInt32(window.count))
            }
            let bound = Int(deflateBound(&stream, UInt(count))) + 64
            stream.next_in = UnsafeMutablePointer(mutating: start)
            stream.avail_in = UInt32(count)
            bytes = [UInt8](unsafeUninitializedCapacity: bound) { buffer, written in
                stream.next_out = buffer.baseAddress
                stream.avail_out = UInt32(bound)
                let result = deflate(&stream, isEnd ? Z_FINISH : Z_SYNC_FLUSH)
                precondition(result == (isEnd ? Z_STREAM_END : Z_OK), "zlib's bound holds")
                written = bound - Int(stream.avail_out)
            }
        }
    }
}
