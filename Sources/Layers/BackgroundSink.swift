internal import FileSystem
internal import Synchronization
internal import Tar
internal import Threads

/// Hands bytes on to another sink on a thread of its own, so that the producer need not wait.
///
/// The first bytes are handed on at once: what is written in one piece is not worth a thread.
final class BackgroundSink: ByteSink {
    private let work = WorkQueue(.serial, limit: 4)
    private let target: Target
    private let free = FreeBuffers()
    private var isFirst = true

    init(_ sink: any ByteSink) {
        target = Target(sink: sink)
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        if isFirst {
            isFirst = false
            return try target.sink.write(bytes)
        }
        let (buffer, target, free) = (free.take(), target, free)
        buffer.bytes.append(bytes)
        try work.add {
            try target.sink.write(buffer.bytes.bytes)
            free.give(buffer)
        }
    }

    /// Waits until the other sink has everything; nothing may be written after it.
    func finish() throws { try work.finish() }

    // Only the thread has it from the second piece on, until `finish`.
    private struct Target: @unchecked Sendable {
        let sink: any ByteSink
    }

    // One thread has it at a time.
    private struct Buffer: @unchecked Sendable {
        let bytes = ByteBuffer(capacity: 1 << 20)
    }

    /// Buffers to be used again: new memory costs as much as what is done with it.
    private final class FreeBuffers: Sendable {
        private let buffers = Mutex<[Buffer]>([])

        func take() -> Buffer { buffers.withLock { $0.popLast() } ?? Buffer() }

        func give(_ buffer: Buffer) {
            buffer.bytes.removeAll()
            buffers.withLock { $0.append(buffer) }
        }
    }
}
