/// Bytes in memory that grow at their end, and whose memory is used again.
public class ByteBuffer {
    private var memory: UnsafeMutableRawBufferPointer
    /// The bytes so far.
    public private(set) final var count = 0

    /// - Parameter capacity: In bytes; it grows where that is not enough.
    public init(capacity: Int) {
        memory = .allocate(byteCount: max(capacity, 512), alignment: 4096)
    }

    deinit { memory.deallocate() }

    /// What was appended, valid until the next change.
    public final var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

    /// How much fits without growing.
    public final var space: Int { memory.count - count }

    /// Makes room for bytes that the caller fills in at once, all of them.
    public final func append(_ size: Int) -> UnsafeMutableRawBufferPointer {
        if size > space {
            let larger = UnsafeMutableRawBufferPointer.allocate(
                byteCount: max(memory.count * 2, count + size),
                alignment: 4096
            )
            larger.copyMemory(from: bytes)
            memory.deallocate()
            memory = larger
        }
        defer { count += size }
        return UnsafeMutableRawBufferPointer(rebasing: memory[count..<count + size])
    }

    /// Copies bytes in.
    public final func append(_ bytes: UnsafeRawBufferPointer) { append(bytes.count).copyMemory(from: bytes) }

    /// Takes bytes back that were appended last.
    final func removeLast(_ size: Int) { count -= size }

    /// Forgets everything and keeps the memory.
    public final func removeAll() { count = 0 }

    /// Appends zeros.
    final func appendZeros(_ size: Int) {
        append(size).initializeMemory(as: UInt8.self, repeating: 0)
    }
}
