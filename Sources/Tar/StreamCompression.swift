/// How a stream is compressed, by its first bytes.
enum StreamCompression {
    case gzip
    case bzip2
    case xz
    case zstd

    /// How many bytes it takes to tell.
    static let prefixLength = 10

    /// `nil` for a stream that is not compressed, or in a way that is unknown.
    init?(start: some Collection<UInt8>) {
        let start = Array(start.prefix(StreamCompression.prefixLength))
        let (block, end): ([UInt8], [UInt8]) = (
            [0x31, 0x41, 0x59, 0x26, 0x53, 0x59], [0x17, 0x72, 0x45, 0x38, 0x50, 0x90]
        )
        switch start {
        // RFC 1952: deflate is the only method, and the upper three flags are zero.
        case _ where start.count == 10 && start.starts(with: [0x1F, 0x8B, 0x08]) && start[3] & 0xE0 == 0:
            self = .gzip
        case _
        where start.starts(with: "BZh".utf8) && start.count == 10
            && (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(start[3])
            && [block, end].contains(where: start[4...].elementsEqual):
            self = .bzip2
        case _ where start.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]):
            self = .xz
        case _ where start.starts(with: [0x28, 0xB5, 0x2F, 0xFD]):
            self = .zstd
        // A skippable frame (RFC 8878, 3.1.2), as pzstd writes it.
        case _ where start.count == 10 && start[0] & 0xF0 == 0x50 && start[1...].starts(with: [0x2A, 0x4D, 0x18]):
            self = .zstd
        default: return nil
        }
    }
}
