import OCI
import Testing

@Suite("A platform")
struct PlatformTests {
    @Test(
        "is read in every spelling that containerd knows",
        arguments: [
            ("linux/amd64", "linux/amd64"), ("linux/x86_64", "linux/amd64"), ("Linux/X86-64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"), ("linux/amd64/v3", "linux/amd64/v3"), ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"), ("linux/arm64/8", "linux/arm64"), ("linux/arm64/v9", "linux/arm64/v9"),
            ("linux/arm", "linux/arm/v7"), ("linux/armhf", "linux/arm/v7"), ("linux/armel", "linux/arm/v6"),
            ("linux/arm/6", "linux/arm/v6"), ("linux/i386", "linux/386"), ("linux/386/x", "linux/386"),
            ("windows/amd64", "windows/amd64"), ("wasip1/wasm", "wasip1/wasm"), ("s390x", "linux/s390x"),
        ]
    )
    func spellings(text: String, expected: String) throws {
        #expect(try Platform(parsing: text).description == expected)
    }

    @Test(
        "is refused where it is not one",
        arguments: [
            "", "/", "linux/", "/amd64", "linux/amd64/", "a/b/c/d", "linux//v7", "lin ux/amd64", "toaster", "ä/b",
        ]
    )
    func refused(text: String) {
        #expect(throws: OCIError.invalidPlatform(text)) { try Platform(parsing: text) }
    }

    @Test("of this machine is local, and an operating system alone means its processor")
    func host() throws {
        #expect(try Platform(parsing: "local") == .host)
        #expect(try Platform(parsing: "linux") == .host)
        #expect(try Platform(parsing: "windows").architecture == Platform.host.architecture)
    }

    @Test(
        "is served by what is the same or what it also runs, whatever it is spelt like",
        arguments: [
            ("linux/arm64", ["amd64/", "arm64/v8"], 1), ("linux/amd64", ["x86_64/", "amd64/"], 0),
            ("linux/amd64/v3", ["amd64/", "amd64/v2", "amd64/v4"], 1), ("linux/arm/v7", ["arm64/v8", "arm/v6"], 1),
            ("linux/arm64", ["arm/v7"], nil), ("linux/amd64", [], nil),
        ]
    )
    func best(wanted: String, candidates: [String], best: Int?) throws {
        // As decoded from an index, and not normalised by hand.
        let decoded = try candidates.map { text in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            let variant = parts[1].isEmpty ? "" : #","variant":"\#(parts[1])""#
            return try CanonicalJSON.decode(
                Platform.self,
                from: Array(#"{"os":"linux","architecture":"\#(parts[0])"\#(variant)}"#.utf8)
            )
        }
        #expect(try Platform(parsing: wanted).best(among: decoded) == best)
    }
}
