/// A SHA-256 content digest, printed as `sha256:` and 64 lower-case hexadecimal digits.
///
/// Only a digest that is well formed can exist, so its `hex` is always safe as a file name
/// (OCI image specification, "Digests"; CVE-2024-3727 is what happens otherwise).
public struct Digest: Sendable, Hashable {
    // Four words instead of an array: a digest is copied and compared in hot loops and must not allocate.
    private let word0: UInt64
    private let word1: UInt64
    private let word2: UInt64
    private let word3: UInt64

    /// The number of bytes of a SHA-256 digest.
    public static let byteCount = 32

    /// Creates a digest from its 32 raw bytes; `nil` for any other count.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Digest.byteCount else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for (position, byte) in bytes.enumerated() {
            switch position / 8 {
            case 0: words.0 = words.0 << 8 | UInt64(byte)
            case 1: words.1 = words.1 << 8 | UInt64(byte)
            case 2: words.2 = words.2 << 8 | UInt64(byte)
            default: words.3 = words.3 << 8 | UInt64(byte)
            }
        }
        (word0, word1, word2, word3) = words
    }

    /// Creates a digest from 32 raw bytes in memory, the fast path of index and fingerprint files.
    ///
    /// Traps when the buffer does not hold exactly 32 bytes, which is a bug of the caller.
    public init(rawBytes: UnsafeRawBufferPointer) {
        precondition(rawBytes.count == Digest.byteCount, "a SHA-256 digest has 32 bytes")
        word0 = UInt64(bigEndian: rawBytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        word1 = UInt64(bigEndian: rawBytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        word2 = UInt64(bigEndian: rawBytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        word3 = UInt64(bigEndian: rawBytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
    }

    /// Creates a digest from 64 lower-case hexadecimal digits; `nil` for anything else.
    public init?(hex: some StringProtocol) {
        let parsed = hex.utf8.withContiguousStorageIfAvailable { Digest(digits: $0) }
        guard let digest = parsed ?? Array(hex.utf8).withUnsafeBufferPointer({ Digest(digits: $0) }) else { return nil }
        self = digest
    }

    private init?(digits: UnsafeBufferPointer<UInt8>) {
        guard digits.count == 2 * Digest.byteCount else { return nil }
        func word(_ position: Int) -> UInt64? {
            var word: UInt64 = 0
            for digit in digits[(16 * position)..<(16 * position + 16)] {
                switch digit {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): word = word << 4 | UInt64(digit - UInt8(ascii: "0"))
                case UInt8(ascii: "a")...UInt8(ascii: "f"): word = word << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
                default: return nil
                }
            }
            return word
        }
        guard let word0 = word(0), let word1 = word(1), let word2 = word(2), let word3 = word(3) else { return nil }
        (self.word0, self.word1, self.word2, self.word3) = (word0, word1, word2, word3)
    }

    /// Parses `sha256:<64 hex>`.
    ///
    /// - Throws: `OCIError.invalidDigest` for another algorithm, upper case, a wrong length or any other character.
    public init(parsing text: some StringProtocol) throws(OCIError) {
        guard text.hasPrefix("sha256:"), let digest = Digest(hex: text.dropFirst("sha256:".count)) else {
            throw OCIError.invalidDigest(String(text))
        }
        self = digest
    }

    /// The 32 raw bytes, most significant first.
    public var bytes: [UInt8] {
        [word0, word1, word2, word3].flatMap { word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
        }
    }

    /// Appends the 32 raw bytes, most significant first, without an array of its own.
    public func append(to output: inout [UInt8]) {
        let words = (word0.bigEndian, word1.bigEndian, word2.bigEndian, word3.bigEndian)
        withUnsafeBytes(of: words) { output.append(contentsOf: $0) }
    }

    /// The 64 lower-case hexadecimal digits, safe as a file name.
    public var hex: String {
        String(unsafeUninitializedCapacity: 64) { buffer in
            fill(buffer, 0, word0)
            fill(buffer, 16, word1)
            fill(buffer, 32, word2)
            fill(buffer, 48, word3)
            return 64
        }
    }

    private func fill(_ buffer: UnsafeMutableBufferPointer<UInt8>, _ start: Int, _ word: UInt64) {
        var rest = word
        for position in (start..<start + 16).reversed() {
            let nibble = UInt8(truncatingIfNeeded: rest & 0xF)
            buffer[position] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
            rest >>= 4
        }
    }

    /// The first 12 digits, as `docker images` shows them.
    public var short: String { String(hex.prefix(12)) }
}

extension Digest: CustomStringConvertible {
    public var description: String { "sha256:" + hex }
}

extension Digest: Comparable {
    public static func < (left: Digest, right: Digest) -> Bool {
        (left.word0, left.word1, left.word2, left.word3) < (right.word0, right.word1, right.word2, right.word3)
    }
}

extension Digest: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(parsing: decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
