import OCI
import Testing

/// The documents of the image specification, and what Docker and others make of them.
@Suite("A document")
struct DocumentTests {
    private static let digest = "sha256:" + String(repeating: "1", count: 64)
    private static let configuration =
        #"{"digest":"\#(digest)","mediaType":"application/vnd.oci.image.config.v1+json","size":7023}"#
    private static let layer =
        #"{"digest":"\#(digest)","mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":32654}"#

    private func decoded<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
        try CanonicalJSON.decode(type, from: Array(text.utf8))
    }

    private func text(_ value: some Encodable) throws -> String {
        String(decoding: try CanonicalJSON.encode(value), as: UTF8.self)
    }

    // MARK: - JSON

    @Test(
        "is JSON without blanks, its keys sorted and its slashes plain, and comes back byte for byte",
        arguments: [
            #"{"a":[1,-2,true,null],"b":{"B":"x/y","a":""}}"#, #"["\"","\\","\n","\t","\u0001","é","🇩🇪","\u007F"]"#,
            #"9223372036854775807"#, #"-9223372036854775808"#, #"0.5"#, #"[]"#, #"{}"#, #""""#,
        ]
    )
    func canonical(json: String) throws {
        let value = try decoded(JSONValue.self, json)
        let again = try decoded(JSONValue.self, text(value))
        #expect(again == value)
        // An escape that is not needed becomes the character itself.
        #expect(try text(value) == json.replacing(#"\u007F"#, with: "\u{7F}"))
    }

    @Test("that is indented says the same")
    func pretty() throws {
        let value = try decoded(JSONValue.self, #"{"b":[1,{"c":"/"}],"a":null}"#)
        let bytes = try CanonicalJSON.encodePretty(value)
        #expect(bytes.contains(UInt8(ascii: "\n")) && !bytes.contains(UInt8(ascii: "\\")))
        #expect(try CanonicalJSON.decode(JSONValue.self, from: bytes) == value)
    }

    @Test("that is not JSON is an error", arguments: ["", "{", "[1", "{\"a\":}", "nul", "\"\u{1}\"", "{} {}"])
    func malformed(text: String) {
        #expect(throws: (any Error).self) { try decoded(JSONValue.self, text) }
    }

    @Test("of any form tells its members and its text")
    func members() throws {
        let value = try decoded(JSONValue.self, #"{"a":{"b":"text"},"c":[1]}"#)
        #expect(value["a"]?["b"]?.string == "text")
        #expect(value["c"]?["b"] == nil && value["x"] == nil && value["c"]?.string == nil)
        #expect(try text(JSONValue.list([.duration(5), .number(1.5), .integer(-1)])) == "[5,1.5,-1]")
        #expect(JSONValue.strings(["a", "b"]) == .list([.string("a"), .string("b")]))
    }

    // MARK: - Manifests

    @Test("that is a manifest comes back as it was, whatever members it has")
    func manifest() throws {
        for more in ["", #","subject":\#(Self.layer)"#] {
            let json =
                #"{"annotations":{"a/b":"c"},"config":\#(Self.configuration),"layers":[\#(Self.layer),\#(Self.layer)],"#
                + #""mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2\#(more)}"#
            let manifest = try decoded(Manifest.self, json)
            #expect(try text(manifest) == json)
            #expect(manifest.layers.map(\.size) == [32654, 32654] && manifest.config.size == 7023)
            #expect(manifest.isImage == more.isEmpty)
        }
    }

    @Test(
        "that is a manifest is an image where nothing says that it is something else",
        arguments: [
            ("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar", true),
            (
                "application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip",
                true
            ),
            (
                "application/vnd.docker.container.image.v1+json",
                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", true
            ),
            ("application/vnd.oci.image.config.v1+json", "application/vnd.in-toto+json", false),
            ("application/vnd.cncf.helm.config.v1+json", "application/vnd.oci.image.layer.v1.tar", false),
            ("application/vnd.oci.empty.v1+json", "application/vnd.oci.empty.v1+json", false),
        ]
    )
    func image(configuration: String, layer: String, isImage: Bool) throws {
        let digest = try Digest(parsing: Self.digest)
        let manifest = Manifest(
            config: Descriptor(mediaType: MediaType(rawValue: configuration), digest: digest, size: 2),
            layers: [Descriptor(mediaType: MediaType(rawValue: layer), digest: digest, size: 2)]
        )
        #expect(manifest.isImage == isImage)
    }

    @Test(
        "that is a descriptor says whether it is of an artifact",
        arguments: [
            ("", false), (#","platform":{"os":"linux","architecture":"amd64"}"#, false),
            (#","platform":{"os":"unknown","architecture":"unknown"}"#, true), (#","artifactType":"a/b""#, true),
            (#","annotations":{"vnd.docker.reference.type":"attestation-manifest"}"#, true),
            (#","annotations":{"vnd.docker.reference.type":"other"}"#, false),
        ]
    )
    func artifact(members: String, isArtifact: Bool) throws {
        let json =
            #"{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"\#(Self.digest)","size":1\#(members)}"#
        #expect(try decoded(Descriptor.self, json).isArtifact == isArtifact)
    }

    @Test(
        "without what it must have is an error",
        arguments: [
            #"{"config":\#(configuration),"layers":[]}"#, #"{"schemaVersion":2,"layers":[]}"#,
            #"{"schemaVersion":2,"config":{"mediaType":"a","size":1},"layers":[]}"#,
            #"{"schemaVersion":2,"config":{"mediaType":"a","digest":"sha256:1","size":1}}"#,
            #"{"schemaVersion":2,"config":\#(configuration),"layers":[{}]}"#,
            #"{"schemaVersion":"2","config":\#(configuration)}"#, "[]",
        ]
    )
    func incomplete(json: String) {
        #expect(throws: (any Error).self) { try decoded(Manifest.self, json) }
    }

    @Test("has no entries where a list is null")
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

    // MARK: - Formats

    @Test(
        "has a media type in each format, but for those that only one has",
        arguments: [
            (MediaType.imageIndex, MediaType.dockerManifestList), (.imageManifest, .dockerManifest),
            (.imageConfiguration, .dockerConfiguration), (.layer, .dockerLayer), (.layerGzip, .dockerLayerGzip),
            (.layerZstd, .layerZstd), (MediaType(rawValue: "a/b"), MediaType(rawValue: "a/b")),
        ]
    )
    func formats(oci: MediaType, docker: MediaType) {
        #expect(oci.form(in: .docker) == docker && docker.form(in: .oci) == oci)
        #expect(oci.form(in: .oci) == oci && docker.form(in: .docker) == docker)
    }

    @Test("in Docker's format has no annotations and is about nothing")
    func converted() throws {
        let json =
            #"{"annotations":{"a":"b"},"artifactType":"x/y","config":\#(Self.configuration),"layers":[\#(Self.layer)],"#
            + #""mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2,"subject":\#(Self.layer)}"#
        let manifest = try decoded(Manifest.self, json)
        let docker = manifest.converted(to: .docker)
        #expect(docker.mediaType == .dockerManifest && docker.config.mediaType == .dockerConfiguration)
        #expect(docker.layers.map(\.mediaType) == [.dockerLayerGzip])
        #expect(docker.annotations == nil && docker.subject == nil && docker.artifactType == nil)
        #expect(docker.mediaType?.format == .docker && manifest.mediaType?.format == .oci)
        var index = ImageIndex(manifests: [manifest.config], annotations: ["a": "b"])
        index.manifests[0].annotations = ["c": "d"]
        #expect(index.converted(to: .oci) == index)
        let list = index.converted(to: .docker)
        #expect(
            list.mediaType == .dockerManifestList && list.annotations == nil && list.manifests[0].annotations == nil
        )
    }
}
