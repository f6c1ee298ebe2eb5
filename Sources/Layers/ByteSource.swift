internal import ContentStore
internal import FileSystem
internal import Glibc
internal import OCI
internal import SystemPackage

/// Where a stream of bytes comes from, in pieces; a base class because C callbacks hold it.
class ByteSource {
    /// The error that ended the stream, since libarchive carries only a number.
    var failure: (any Error)?

    /// The next piece, valid until the next call; empty at the end.
    func next() throws -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }
}

/// Reads an open file to its end.
final class DescriptorSource: ByteSource {
    private let descriptor: Int32
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
    /// What was read before, to be given first.
    private var start: [UInt8]

    init(descriptor: Int32, start: [UInt8] = []) {
        self.descriptor = descriptor
        self.start = start
    }

    deinit { buffer.deallocate() }

    override func next() throws -> UnsafeRawBufferPointer {
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

/// Passes a stream through and takes its SHA-256.
final class HashingSource: ByteSource {
    private let source: ByteSource
    private var hasher = SHA256Hasher()
    private(set) var count: Int64 = 0

    init(_ source: ByteSource) { self.source = source }

    override func next() throws -> UnsafeRawBufferPointer {
        let bytes = try source.next()
        hasher.update(bytes)
        count += Int64(bytes.count)
        return bytes
    }

    /// Reads what is left and gives the digest of everything.
    func finish() throws -> Digest {
        while try !next().isEmpty {}
        return hasher.finish()
    }
}
