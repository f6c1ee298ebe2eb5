import OCI
import Testing

@Suite("A digest")
struct DigestTests {
    private static let hex = String(repeating: "0123456789abcdef", count: 4)

    @Test("is the same from text, digits and bytes, and gives them back")
    func forms() throws {
        let digest = try Digest(parsing: "sha256:" + Self.hex)
        let bytes = (0..<4).flatMap { _ in [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF] as [UInt8] }
        #expect(digest.bytes == bytes && digest.hex == Self.hex && digest.short == "0123456789ab")
        #expect(Digest(hex: Self.hex) == digest && Digest(hex: Self.hex[...]) == digest)
        #expect(Digest(bytes: bytes) == digest && bytes.withUnsafeBytes { Digest(rawBytes: $0) } == digest)
        var appended: [UInt8] = [7]
        digest.append(to: &appended)
        #expect(appended == [7] + bytes)
        #expect(Digest(bytes: bytes.dropLast()) == nil && Digest(bytes: bytes + [0]) == nil)
    }

    @Test("is JSON as its text")
    func json() throws {
        let json = Array("[\"sha256:\(Self.hex)\"]".utf8)
        #expect(try CanonicalJSON.encode(CanonicalJSON.decode([Digest].self, from: json)) == json)
        for text in ["[\"\(Self.hex)\"]", "[\"sha256:\(Self.hex.uppercased())\"]", "[1]", "[null]"] {
            #expect(throws: (any Error).self) { try CanonicalJSON.decode([Digest].self, from: Array(text.utf8)) }
        }
    }

    @Test("is ordered as its digits are")
    func order() {
        let texts = ["0" + Self.hex.dropFirst(), "8" + Self.hex.dropFirst(), "f" + Self.hex.dropFirst(), Self.hex]
        let digests = texts.compactMap { Digest(hex: $0) }
        #expect(digests.sorted().map(\.hex) == texts.sorted() && digests.count == 4)
    }

    /// The digest function of this test: what it is given, as far as it fits.
    private func pseudo(_ text: String) -> Digest {
        let bytes = Array(text.utf8.suffix(32))
        return (bytes + Array(repeating: 0, count: 32 - bytes.count)).withUnsafeBytes { Digest(rawBytes: $0) }
    }

    @Test("of a chain is that of the only layer, else of the chain below with the layer's own (config.md)")
    func chains() throws {
        let (one, two, three) = (pseudo("1"), pseudo("2"), pseudo("3"))
        #expect(ChainID([], sha256: pseudo) == nil)
        #expect(ChainID([one], sha256: pseudo)?.digest == one)
        var asked: [String] = []
        let chain = ChainID([one, two, three]) { text in
            asked.append(text)
            return pseudo("chain \(asked.count)")
        }
        #expect(asked == ["\(one) \(two)", "\(pseudo("chain 1")) \(three)"] && chain?.digest == pseudo("chain 2"))
    }

    @Test(
        "is lower-case SHA-256 and nothing else",
        arguments: [
            "sha256:../../x", "sha256:", "sha512:" + String(repeating: "a", count: 64),
            "sha256:" + String(repeating: "A", count: 64), "sha256:" + String(repeating: "a", count: 65),
            "sha256:" + String(repeating: "a", count: 63), "sha256:" + String(repeating: "g", count: 64),
            "sha256: " + String(repeating: "a", count: 63), "SHA256:" + String(repeating: "a", count: 64),
            String(repeating: "a", count: 64), "sha256:" + String(repeating: "é", count: 32), "",
        ]
    )
    func refused(text: String) { #expect(throws: OCIError.invalidDigest(text)) { try Digest(parsing: text) } }
}
