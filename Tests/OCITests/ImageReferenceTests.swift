import OCI
import Testing

/// The grammar of `github.com/distribution/reference`, with Docker's normalisation.
@Suite("A reference")
struct ImageReferenceTests {
    private static let digest = "sha256:" + String(repeating: "0123456789abcdef", count: 4)

    @Test(
        "consists of registry, repository, tag and digest",
        arguments: [
            ("alpine", "docker.io", "library/alpine", "latest"),
            ("docker.io/alpine", "docker.io", "library/alpine", "latest"),
            ("docker.io/library/alpine:3", "docker.io", "library/alpine", "3"),
            ("index.docker.io/team/app", "docker.io", "team/app", "latest"),
            ("team/app:1.0_x-y", "docker.io", "team/app", "1.0_x-y"),
            ("localhost/app", "localhost", "app", "latest"),
            ("localhost:5000/app", "localhost:5000", "app", "latest"),
            ("UPPER/app", "UPPER", "app", "latest"),
            ("reg.example/a/b/c:_1", "reg.example", "a/b/c", "_1"),
            ("reg.example:443/a", "reg.example:443", "a", "latest"),
            ("[fd00::1]/a", "[fd00::1]", "a", "latest"),
            ("[::1]:5000/a:x", "[::1]:5000", "a", "x"),
            ("127.0.0.1:5000/a", "127.0.0.1:5000", "a", "latest"),
            ("a__b/c--d/e.f_g", "docker.io", "a__b/c--d/e.f_g", "latest"),
        ]
    )
    func parts(text: String, registry: String, repository: String, tag: String) throws {
        let reference = try ImageReference(parsing: text)
        #expect(reference.registry == registry)
        #expect(reference.repository == repository)
        #expect(reference.tag == tag && reference.digest == nil)
        #expect(try ImageReference(parsing: reference.description) == reference)
        #expect(try ImageReference(parsing: reference.familiar) == reference)
    }

    @Test(
        "is shown as users write it",
        arguments: [
            ("docker.io/library/alpine:latest", "alpine:latest"), ("docker.io/team/app:1", "team/app:1"),
            ("localhost/a", "localhost/a:latest"), ("reg.example/library/a", "reg.example/library/a:latest"),
        ]
    )
    func familiar(text: String, familiar: String) throws {
        #expect(try ImageReference(parsing: text).familiar == familiar)
    }

    @Test("with a digest has no tag but one that is written, and both survive")
    func digests() throws {
        let plain = try ImageReference(parsing: "app@\(Self.digest)")
        #expect(try plain.tag == nil && plain.digest == Digest(parsing: Self.digest))
        #expect(plain.description == "docker.io/library/app@\(Self.digest)")
        let tagged = try ImageReference(parsing: "reg.example:5000/app:1@\(Self.digest)")
        #expect(tagged.tag == "1" && tagged.familiar == "reg.example:5000/app:1@\(Self.digest)")
        #expect(tagged.naming(try Digest(parsing: Self.digest)).description == "reg.example:5000/app@\(Self.digest)")
    }

    @Test(
        "is refused where the grammar does not have it",
        arguments: [
            ":1", "@\(digest)", "app@", "app@sha256:0", "app@md5:00", "app:", "app:.a", "app:-a", "app:a b", "app:a/",
            "App", "team/App", "a___b", "a..b", "a._b", "a-", "-a", "_a", "a_", "a.", ".a", "a//b", "/a", "a/",
            "reg.example/", "reg.example:0/a", "reg.example:65536/a", "reg.example:+1/a", "reg.example:x/a",
            "-reg.example/a", "reg-.example/a", "reg..example/a", "[::g]/a", "https://reg.example/a", "a\nb", "ä/b",
            "a:" + String(repeating: "t", count: 129), String(repeating: "n", count: 256),
        ]
    )
    func refused(text: String) {
        #expect(throws: OCIError.self) { try ImageReference(parsing: text) }
    }

    @Test("has at most 128 characters of tag and 255 of repository")
    func limits() throws {
        let tag = String(repeating: "t", count: 128)
        #expect(try ImageReference(parsing: "a:" + tag).tag == tag)
        let name = String(repeating: "n", count: 255)
        #expect(try ImageReference(parsing: "reg.example/" + name).repository == name)
    }

    @Test(
        "may have the form of an ID",
        arguments: [
            ("sha256:1", true), (String(repeating: "ab", count: 32), true), (String(repeating: "ag", count: 32), false),
            ("reg.example/" + String(repeating: "ab", count: 32), false), ("sha256/a", false), ("alpine", false),
        ]
    )
    func formOfID(text: String, hasForm: Bool) throws {
        #expect(try ImageReference(parsing: text).hasFormOfID == hasForm)
    }
}
