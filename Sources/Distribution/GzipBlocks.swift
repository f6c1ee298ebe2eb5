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
    static let processors = Semaphore(WorkerGroup.processorCount)

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
            let offset = Int64(number) * Int64(Self.blockSize)
            return try coder.member(of: descriptor, at: offset, Self.blockSize, path)
        } take: { member in
            try member.withUnsafeBytes { try sink.write($0) }
        }
    }
}
