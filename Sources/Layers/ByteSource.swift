internal import CArchive
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
        while true {
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 { return UnsafeRawBufferPointer(rebasing: buffer[..<count]) }
            if Errno.current != .interrupted { throw SystemError("read", "archive") }
        }
    }
}

/// Gives the plain bytes of a stream that may be compressed with gzip, bzip2, xz or zstd.
final class DecompressingSource: ByteSource {
    private let archive: OpaquePointer
    private let source: ByteSource
    private let name: String
    private var isAtEnd = false

    init(_ source: ByteSource, name: String) throws {
        guard let archive = archive_read_new() else { throw LayerError.unreadable(name, reason: "out of memory") }
        self.archive = archive
        self.source = source
        self.name = name
        ArchiveReader.supportFilters(archive)
        archive_read_support_format_raw(archive)
        archive_read_support_format_empty(archive)
        super.init()
        try openArchive(archive, source: source, name: name)
        var entry: OpaquePointer?
        let result = archive_read_next_header(archive, &entry)
        guard result == ARCHIVE_OK || result == ARCHIVE_WARN || result == ARCHIVE_EOF else {
            throw source.failure ?? LayerError.unreadable(name, reason: archiveMessage(archive))
        }
        isAtEnd = result == ARCHIVE_EOF
    }

    deinit { archive_read_free(archive) }

    override func next() throws -> UnsafeRawBufferPointer {
        if isAtEnd { return UnsafeRawBufferPointer(start: nil, count: 0) }
        var block: UnsafeRawPointer?
        var count = 0
        var offset: la_int64_t = 0
        while true {
            switch archive_read_data_block(archive, &block, &count, &offset) {
            case ARCHIVE_OK where count == 0: continue
            case ARCHIVE_OK, ARCHIVE_WARN: return UnsafeRawBufferPointer(start: block, count: count)
            case ARCHIVE_EOF: return UnsafeRawBufferPointer(start: nil, count: 0)
            default: throw source.failure ?? LayerError.unreadable(name, reason: archiveMessage(archive))
            }
        }
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
