internal import CCrypto
public import OCI

/// A running SHA-256 by libcrypto, which uses the processor's SHA extensions.
public struct SHA256Hasher: ~Copyable {
    private var context = SHA256_CTX()

    public init() {
        SHA256_Init(&context)
    }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        SHA256_Update(&context, bytes.baseAddress, bytes.count)
    }

    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    public mutating func update(_ text: String) {
        var text = text
        text.withUTF8 { update(UnsafeRawBufferPointer($0)) }
    }

    /// The digest of everything so far; the hasher then starts anew.
    public mutating func finish() -> Digest {
        withUnsafeTemporaryAllocation(byteCount: Digest.byteCount, alignment: 8) { buffer in
            SHA256_Final(buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), &context)
            SHA256_Init(&context)
            return Digest(rawBytes: UnsafeRawBufferPointer(buffer))
        }
    }

    /// The digest of a byte sequence at hand.
    public static func digest(of bytes: [UInt8]) -> Digest {
        var hasher = SHA256Hasher()
        hasher.update(bytes)
        return hasher.finish()
    }

    /// The digest of a text's UTF-8 bytes.
    public static func digest(of text: String) -> Digest {
        var hasher = SHA256Hasher()
        hasher.update(text)
        return hasher.finish()
    }
}
