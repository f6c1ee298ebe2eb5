internal import FileSystem
internal import Glibc
internal import SystemPackage

/// Where a stream of bytes comes from, in pieces; a base class because C callbacks hold it.
open class ByteSource {
    /// The error that ended the stream, since libarchive carries only a number.
    public internal(set) var failure: (any Error)?

    public init() {}

    /// The next piece, valid until the next call; empty at the end.
    open func next() throws -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }
}

/// Reads an open file to its end.
public final class DescriptorSource: ByteSource {
    private let descriptor: Int32
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
    /// What was read before, to be given first.
    private var start: [UInt8]

    public init(descriptor: Int32, start: [UInt8] = []) {
        self.descriptor = descriptor
        self.start = start
    }

    deinit { buffer.deallocate() }

    public override func next() throws -> UnsafeRawBufferPointer {
        if !start.isEmpty {
            let count = min(start.count, buffer.count)
            buffer.copyBytes(from: start[..<count])
            start.removeFirst(count)
            return UnsafeRawBufferPointer(rebasing: buffer[..<count])
        }
        let count = uninterrupted { read(descriptor, buffer.baseAddress, buffer.count) }
        guard count >= 0 else { throw SystemError("read", "archive") }
        return UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }
}
