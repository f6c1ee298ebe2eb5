import OCI
import Testing

@Suite struct OCITests {
    @Test(
        "digests are lower-case SHA-256 and nothing else",
        arguments: [
            "sha256:../../x", "sha256:", "sha512:" + String(repeating: "a", count: 64),
            "sha256:" + String(repeating: "A", count: 64), "sha256:" + String(repeating: "a", count: 65),
            String(repeating: "a", count: 64),
        ]
    )
    func badDigest(text: String) { #expect(throws: OCIError.self) { try Digest(parsing: text) } }

    @Test("a digest survives bytes and text")
    func digest() throws {
        let text = "sha256:" + String(repeating: "0123456789abcdef", count: 4)
        let digest = try Digest(parsing: text)
        #expect(digest.description == text)
        #expect(Digest(bytes: digest.bytes) == digest)
    }

    @Test(
        "names are normalised as Docker does",
        arguments: [
            ("alpine", "docker.io/library/alpine:latest", "alpine:latest"), ("a/b:1", "docker.io/a/b:1", "a/b:1"),
            ("localhost/a", "localhost/a:latest", "localhost/a:latest"),
            ("host:5000/a", "host:5000/a:latest", "host:5000/a:latest"),
            ("index.docker.io/library/a", "docker.io/library/a:latest", "a:latest"),
            ("[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a:latest"),
        ]
    )
    func reference(text: String, full: String, familiar: String) throws {
        let reference = try ImageReference(parsing: text)
        #expect(reference.description == full)
        #expect(reference.familiar == familiar)
        #expect(try ImageReference(parsing: full) == reference)
    }

    @Test(
        "names that are none are refused",
        arguments: ["", "A", "a:", "a//b", "/a", "a/", "-a", "a..b", "a:-x", "a@sha256:x", "a b", "host:99999/a", "ä"]
    )
    func badReference(text: String) { #expect(throws: OCIError.self) { try ImageReference(parsing: text) } }

    @Test(
        "a platform is served by what is the same or what it also runs, whatever it is spelt like",
        arguments: [
            ("linux/arm64", ["amd64/", "arm64/v8"], 1), ("linux/amd64", ["x86_64/", "amd64/"], 0),
            ("linux/amd64/v3", ["amd64/", "amd64/v2", "amd64/v4"], 1), ("linux/arm/v7", ["arm64/v8", "arm/v6"], 1),
            ("linux/arm64", ["arm/v7"], nil), ("linux/amd64", [], nil),
        ]
    )
    func platform(wanted: String, candidates: [String], best: Int?) throws {
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

    @Test("times survive, and nonsense is no time")
    func timestamps() {
        #expect(Timestamp(secondsSinceEpoch: 1_700_000_000).description == "2023-11-14T22:13:20Z")
        #expect(Timestamp(nanosecondsSinceEpoch: -1).description == "1969-12-31T23:59:59.999999999Z")
        #expect(Timestamp(secondsSinceEpoch: .max).description == "9999-12-31T23:59:59Z")
        #expect(Timestamp(text: "2023-11-15T00:13:20.5+02:00").secondsSinceEpoch == 1_700_000_000)
        for text in [
            "", "yesterday", "2023-13-01T00:00:00Z", "2023-11-14T22:13:20+", String(repeating: "9", count: 30),
        ] {
            #expect(Timestamp(text: text).secondsSinceEpoch == nil)
            #expect(Timestamp(text: text).ifValid == nil)
        }
        #expect(Timestamp(text: "0001-01-01T00:00:00Z").ifValid != nil)
    }

    @Test("a configuration keeps what its operating system needs, and no time that is none")
    func leniently() throws {
        let text =
            #"{"architecture":"amd64","config":{},"created":"","history":[{"created":"","created_by":"x"}],"#
            + #""os":"linux","os.features":["win32k"],"rootfs":{"diff_ids":[],"type":"layers"}}"#
        let configuration = try CanonicalJSON.decode(ImageConfiguration.self, from: Array(text.utf8))
        let written = String(decoding: try CanonicalJSON.encode(configuration), as: UTF8.self)
        #expect(written == text.replacing(#""created":"","#, with: ""))
    }

    @Test("a list that is null has no entries")
    func nullLists() throws {
        let index = #"{"schemaVersion":2,"manifests":null}"#
        #expect(try CanonicalJSON.decode(ImageIndex.self, from: Array(index.utf8)).manifests == [])
        let digest = "sha256:" + String(repeating: "1", count: 64)
        let config = #"{"mediaType":"\#(MediaType.imageConfiguration)","digest":"\#(digest)","size":2}"#
        for layers in [#","layers":null"#, ""] {
            let manifest = try CanonicalJSON.decode(
                Manifest.self,
                from: Array(#"{"schemaVersion":2,"config":\#(config)\#(layers)}"#.utf8)
            )
            #expect(manifest.layers == [] && manifest.isImage)
        }
    }
}

@Suite struct HistoryOfLayersTests {
    private func history(_ text: String, layers: Int) -> String {
        var configuration = ImageConfiguration(platform: .host)
        let digest = Digest(hex: String(repeating: "0", count: 64))
        configuration.rootfs.diffIDs = (0..<layers).compactMap { _ in digest }
        configuration.history = text.map { .init(created: nil, createdBy: nil, emptyLayer: $0 == "e" ? true : nil) }
        return String(configuration.historyOfLayers.map { $0.emptyLayer == true ? "e" : "L" })
    }

    @Test(
        "each layer of a base has one entry of history",
        arguments: [
            ("", 0, ""), ("", 2, "LL"), ("L", 2, "LL"), ("eLe", 2, "eLeL"), ("LeL", 2, "LeL"), ("LeL", 1, "Lee"),
            ("LL", 0, "ee"),
        ]
    )
    func complete(text: String, layers: Int, expected: String) {
        #expect(history(text, layers: layers) == expected)
    }
}
