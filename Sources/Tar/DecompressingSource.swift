internal import CArchive
internal import CCompression

/// Gives the plain bytes of a stream that may be compressed with gzip, bzip2, xz or zstd.
///
/// Its end is only told when everything before it was whole: what is cut off or does not have its checksum is an error.
/// What could be read before is given first, for callers that only want the start.
public final class DecompressingSource: ByteSource {
    private let plain: ByteSource
    /// Whether anything is decompressed.
    public let isCompressed: Bool

    /// - Parameter name: The stream's, for messages.
    public init(_ source: ByteSource, name: String) throws {
        let start = try StartedSource(source, length: StreamCompression.prefixLength)
        let compression = StreamCompression(start: start.start)
        isCompressed = compression != nil
        switch compression {
        case .gzip: plain = GzipSource(start, name: name)
        case .zstd: plain = ZstandardSource(start, name: name)
        // Behind its header, either begins with a block or, if it is empty, with its end.
        case .bzip2: plain = try FilteredSource(start, name: name, isEmpty: start.start[4] == 0x17)
        case .xz: plain = try FilteredSource(start, name: name, isEmpty: start.start.dropFirst(12).first == 0)
        case nil: plain = start
        }
    }

    public override func next() throws -> UnsafeRawBufferPointer { try plain.next() }

    /// Reads what is left of a compressed stream, and so finds out whether it is whole.
    func verifyEnd() throws {
        if isCompressed { while try !next().isEmpty {} }
    }
}

/// A stream of which the first bytes were looked at.
private final class StartedSource: ByteSource {
    private let source: ByteSource
    /// The first bytes, fewer than asked for only where there are no more.
    let start: UnsafeRawBufferPointer
    private var isStartGiven = false

    init(_ source: ByteSource, length: Int) throws {
        self.source = source
        var bytes: [UInt8] = []
        while bytes.count < length {
            let piece = try source.next()
            if piece.isEmpty { break }
            bytes.append(contentsOf: piece)
        }
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
        copy.copyBytes(from: bytes)
        start = UnsafeRawBufferPointer(copy)
    }

    deinit { start.deallocate() }

    override func next() throws -> UnsafeRawBufferPointer {
        guard isStartGiven else {
            isStartGiven = true
            // An empty piece is the end, and there may be more only where there was a start.
            return start
        }
        return start.isEmpty ? start : try source.next()
    }
}

/// What the ways of compression have in common: a buffer that is filled before it is given.
private class BufferedSource: ByteSource {
    let source: ByteSource
    let name: String
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 4096)
    private var isAtEnd = false
    private var postponed: (any Error)?

    init(_ source: ByteSource, name: String) {
        self.source = source
        self.name = name
    }

    deinit { buffer.deallocate() }

    /// Decompresses more.
    ///
    /// - Parameter count: How much of the buffer is filled, also where it throws.
    /// - Returns: Whether there is more.
    func fill(_ count: inout Int) throws -> Bool { false }

    final override func next() throws -> UnsafeRawBufferPointer {
        if let error = postponed { throw error }
        var count = 0
        while count == 0, !isAtEnd {
            do {
                isAtEnd = try !fill(&count)
            } catch {
                guard count > 0 else { throw error }
                postponed = error
            }
        }
        return UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }

    var cutOff: LayerError { .unreadable(name, reason: "its compressed data is truncated") }
    var damaged: LayerError { .unreadable(name, reason: "its compressed data is damaged") }
}

/// gzip (RFC 1952), also several members behind each other; bytes behind them that are none do not count, as with
/// gzip(1).
private final class GzipSource: BufferedSource {
    // zlib remembers where it is.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var isBehindMember = false

    override init(_ source: ByteSource, name: String) {
        super.init(source, name: name)
        stream.initialize(to: z_stream())
        precondition(sb_gunzip_init(stream) == Z_OK, "zlib needs memory")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    override func fill(_ count: inout Int) throws -> Bool {
        if stream.pointee.avail_in == 0 {
            let piece = try source.next()
            guard !piece.isEmpty else {
                guard isBehindMember, stream.pointee.total_in < 2 else { throw cutOff }
                return false
            }
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: piece.baseAddress?.assumingMemoryBound(to: UInt8.self)
            )
            stream.pointee.avail_in = UInt32(piece.count)
        }
        stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(buffer.count)
        let result = inflate(stream, Z_NO_FLUSH)
        count = buffer.count - Int(stream.pointee.avail_out)
        switch result {
        case Z_OK, Z_BUF_ERROR:
            return true
        case Z_STREAM_END:
            isBehindMember = true
            inflateReset(stream)
            return true
        default:
            guard isBehindMember, stream.pointee.total_in <= 2 else { throw damaged }
            while try !source.next().isEmpty {}
            return false
        }
    }
}

/// zstd (RFC 8878), also several frames behind each other, with windows as large as BuildKit takes them.
private final class ZstandardSource: BufferedSource {
    private let context: OpaquePointer
    private var input = ZSTD_inBuffer(src: nil, size: 0, pos: 0)
    private var isInFrame = false
    private var hasMore = false

    /// 512 MiB: the stream decides how much memory it takes, up to this.
    private static let largestWindow: Int32 = 29

    override init(_ source: ByteSource, name: String) {
        guard let context = ZSTD_createDStream() else { preconditionFailure("zstd needs memory") }
        self.context = context
        super.init(source, name: name)
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZstandardSource.largestWindow)
    }

    deinit { ZSTD_freeDStream(context) }

    override func fill(_ count: inout Int) throws -> Bool {
        if input.pos == input.size, !hasMore {
            let piece = try source.next()
            guard !piece.isEmpty else {
                guard !isInFrame else { throw cutOff }
                return false
            }
            input = ZSTD_inBuffer(src: piece.baseAddress, size: piece.count, pos: 0)
        }
        var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
        let result = ZSTD_decompressStream(context, &output, &input)
        count = output.pos
        guard ZSTD_isError(result) == 0 else {
            guard sb_zstd_window_is_too_large(result) == 0 else {
                throw LayerError.unreadable(
                    name,
                    reason: "its zstd data needs a window of more than \(1 << (ZstandardSource.largestWindow - 20)) MiB"
                )
            }
            throw damaged
        }
        isInFrame = result != 0
        hasMore = output.pos == output.size && isInFrame
        return true
    }
}

/// bzip2 and xz, by libarchive.
private final class FilteredSource: ByteSource {
    private let archive: OpaquePointer
    private let source: ByteSource
    private let name: String

    /// - Parameter isEmpty: Whether the stream says that it holds nothing; one that is damaged reads so, too.
    init(_ source: ByteSource, name: String, isEmpty: Bool) throws {
        guard let archive = archive_read_new() else { throw LayerError.unreadable(name, reason: "out of memory") }
        self.archive = archive
        self.source = source
        self.name = name
        archive_read_support_filter_bzip2(archive)
        archive_read_support_filter_xz(archive)
        archive_read_support_format_raw(archive)
        archive_read_support_format_empty(archive)
        super.init()
        try openArchive(archive, source: source, name: name)
        var entry: OpaquePointer?
        switch archive_read_next_header(archive, &entry) {
        case ARCHIVE_OK, ARCHIVE_WARN: isAtEnd = false
        case ARCHIVE_EOF where isEmpty: isAtEnd = true
        case ARCHIVE_EOF: throw source.failure ?? LayerError.unreadable(name, reason: "its compressed data is damaged")
        default: throw source.failure ?? LayerError.unreadable(name, reason: archiveMessage(archive))
        }
    }

    private var isAtEnd = false

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
