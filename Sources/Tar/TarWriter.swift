internal import FileSystem
internal import Glibc
internal import OCI
public import SystemPackage

/// Writes a tar stream that depends on nothing but what it is given, in large pieces; `TarBuffer` has the format.
public final class TarWriter {
    private let sink: any ByteSink
    private let buffer = TarBuffer(capacity: TarWriter.bufferSize + 4096)
    private var flushed: Int64 = 0

    private static let bufferSize = 1 << 20

    public init(sink: any ByteSink) {
        self.sink = sink
    }

    /// The length of the stream so far, in bytes.
    public var position: Int64 { flushed + Int64(buffer.count) }

    /// Writes the header of an entry; file content must follow, exactly `entry.size` bytes of it.
    public func writeHeader(_ entry: LayerEntry) throws {
        buffer.appendHeader(of: entry)
        if buffer.count >= TarWriter.bufferSize { try flush() }
    }

    /// Writes content bytes at hand.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        if bytes.count > buffer.space { try flush() }
        guard bytes.count >= TarWriter.bufferSize else { return buffer.append(bytes) }
        try sink.write(bytes)
        flushed += Int64(bytes.count)
    }

    /// Copies `size` bytes that start at `offset` of an open file straight into the stream's buffer.
    ///
    /// - Parameter onBytes: Sees the bytes as they pass, for a digest of the content.
    /// - Throws: `LayerError.shortContent` when the file ends early.
    public func copy(
        descriptor: Int32,
        offset: Int64,
        size: Int64,
        path: FilePath,
        onBytes: (UnsafeRawBufferPointer) -> Void = { _ in }
    ) throws {
        let holes = size >= TarWriter.bufferSize ? FileHoles(of: descriptor) : nil
        var done: Int64 = 0
        /// Up to here there is data.
        var data: Int64 = holes == nil ? size : 0
        while done < size {
            if buffer.count >= TarWriter.bufferSize { try flush() }
            let room = min(size - done, Int64(TarWriter.bufferSize - buffer.count))
            if let holes, done == data {
                let zeros = holes.endOfHole(at: offset + done, limit: offset + done + room) - offset - done
                if zeros > 0 {
                    // Reading it would fill the page cache with zeros.
                    let space = buffer.append(Int(zeros))
                    space.initializeMemory(as: UInt8.self, repeating: 0)
                    onBytes(UnsafeRawBufferPointer(space))
                    done += zeros
                    data = done
                    continue
                }
                data = holes.endOfData(at: offset + done, limit: offset + size) - offset
            }
            let space = buffer.append(Int(min(room, data - done)))
            let count = uninterrupted { pread(descriptor, space.baseAddress, space.count, off_t(offset + done)) }
            guard count >= 0 else { throw SystemError("read", path) }
            buffer.removeLast(space.count - count)
            guard count > 0 else { throw LayerError.shortContent(path) }
            onBytes(UnsafeRawBufferPointer(rebasing: space[..<count]))
            done += Int64(count)
        }
    }

    /// Fills the last block of an entry's content.
    public func finishContent() throws {
        buffer.appendPadding(after: position)
    }

    /// Writes the end of the archive; nothing may follow.
    public func finish() throws {
        buffer.appendZeros(2 * TarBuffer.blockSize)
        try flush()
    }

    /// Hands on everything so far.
    func flush() throws {
        guard buffer.count > 0 else { return }
        try sink.write(buffer.bytes)
        flushed += Int64(buffer.count)
        buffer.removeAll()
    }

    /// Writes whole blocks that were put together elsewhere.
    public func write(_ blocks: TarBuffer) throws {
        try flush()
        try sink.write(blocks.bytes)
        flushed += Int64(blocks.count)
    }
}
