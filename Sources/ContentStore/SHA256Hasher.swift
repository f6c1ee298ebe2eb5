internal import CCrypto
public import OCI

/// A running SHA-256 over libcrypto's EVP interface, which uses the processor's SHA extensions.
public struct SHA256Hasher: ~Copyable {
    private let context: OpaquePointer

    public init() {
        // EVP_MD_CTX_new fails only when memory is exhausted, where Swift itself traps too.
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("out of memory for a SHA-256 context") }
        self.context = context
        EVP_DigestInit_ex(context, EVP_sha256(), nil)
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
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
            EVP_DigestFinal_ex(context, buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), nil)
            EVP_DigestInit_ex(context, nil, nil)
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
