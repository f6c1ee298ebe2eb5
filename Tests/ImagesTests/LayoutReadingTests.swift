import ContentStore
import FileSystem
import Layers
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import Images

/// What other tools put into layouts and archives beside an image that they find there.
@Suite("A layout or archive of another tool")
struct LayoutReadingTests {
    /// A layout directory with one image, and what is written into it.
    private struct Layout {
        let fixture: StoreFixture
        let path: FilePath
        let image: StoredImage
        var manifest: Descriptor {
            Descriptor(mediaType: .imageManifest, digest: image.manifest.digest, size: image.manifest.size)
        }

        init(_ fixture: StoreFixture) throws {
            self.fixture = fixture
            path = fixture.path("layout")
            image = try fixture.simple(names: ["img:1"])
            try fixture.images.save([ListedImage(image: image, names: [try name("img:1")])], toLayout: path)
        }

        func put(_ bytes: [UInt8], as mediaType: MediaType) throws -> Descriptor {
            let digest = SHA256Hasher.digest(of: bytes)
            let blob = path.pushing("blobs/sha256").appending(digest.hex)
            try FileOperations.writeAtomically(bytes, to: blob, temporary: fixture.directory)
            return Descriptor(mediaType: mediaType, digest: digest, size: Int64(bytes.count))
        }

        func put(_ text: String, as mediaType: String) throws -> Descriptor {
            try put(Array(text.utf8), as: MediaType(rawValue: mediaType))
        }

        func put(_ manifest: Manifest) throws -> Descriptor {
            try put(try CanonicalJSON.encode(manifest), as: .imageManifest)
        }

        func put(_ entries: [Descriptor]) throws -> Descriptor {
            try put(try CanonicalJSON.encode(ImageIndex(manifests: entries)), as: .imageIndex)
        }

        /// The descriptor of a manifest with the name `img:1`.
        func named(_ descriptor: Descriptor, _ text: String = "img:1") -> Descriptor {
            var descriptor = descriptor
            descriptor.annotations = [Annotation.referenceName: text]
            return descriptor
        }

        func setIndex(_ entries: [Descriptor]) throws {
            let bytes = try CanonicalJSON.encode(ImageIndex(manifests: entries))
            try FileOperations.writeAtomically(bytes, to: path.appending("index.json"), temporary: fixture.directory)
        }

        /// The IDs and names of what is loaded into an empty store.
        func load() throws -> [String] {
            let store = try fixture.otherStore("other-\(UInt64.random(in: 0 ... .max))")
            return try store.load(path).map { "\($0.image.id) \($0.names.map(\.familiar))" }
        }

        var expected: [String] { ["\(image.id) [\"img:1\"]"] }
    }

    private static func with(_ body: (Layout) throws -> Void) throws {
        try StoreFixture.with { try body(try Layout($0)) }
    }

    private static let foreign = Platform(os: "linux", architecture: "s390x")

    @Test("an entry without a platform has that of its configuration")
    func noPlatform() throws {
        try Self.with { layout in
            var other = try layout.put("{}", as: MediaType.imageManifest.rawValue)
            other.platform = Self.foreign
            // Alone, beside one for another machine, beside one whose blobs are not here, and one level down.
            var missing = layout.manifest
            missing.digest = SHA256Hasher.digest(of: "missing")
            for entries in [
                [layout.manifest], [other, layout.manifest], [layout.manifest, other], [missing, layout.manifest],
                [other, try layout.put([other, layout.manifest])],
            ] {
                try layout.setIndex([layout.named(try layout.put(entries))])
                #expect(try layout.load() == layout.expected, "\(entries)")
            }
        }
    }

    @Test("of several entries without a platform the one for this machine is taken")
    func severalWithoutPlatform() throws {
        try Self.with { layout in
            var configuration = try layout.fixture.images.configuration(of: layout.image)
            (configuration.architecture, configuration.variant) = ("s390x", nil)
            var manifest = try layout.fixture.images.content(of: layout.image).manifest
            manifest.config = try layout.put(try CanonicalJSON.encode(configuration), as: .imageConfiguration)
            let other = try layout.put(manifest)
            try layout.setIndex([layout.named(try layout.put([other, layout.manifest]))])
            #expect(try layout.load() == layout.expected)
            // At the top too, where both have one name.
            try layout.setIndex([layout.named(other), layout.named(layout.manifest)])
            #expect(try layout.load() == layout.expected)
        }
    }

    /// Manifests that are no images, by what they are.
    private static let artifacts = [
        "sbom", "chart", "signature", "attestation", "referrer", "artifact type of the descriptor", "old artifact",
    ]

    private static func artifact(_ kind: String, in layout: Layout) throws -> Descriptor {
        let empty = try layout.put("{}", as: "application/vnd.oci.empty.v1+json")
        let signature = try layout.put("payload", as: "application/vnd.dev.cosign.simplesigning.v1+json")
        // As cosign and BuildKit write them: the configuration of an image without a platform.
        let configuration = try layout.put(
            #"{"architecture":"","os":"","config":{},"rootfs":{"type":"layers","diff_ids":["\#(signature.digest)"]}}"#,
            as: MediaType.imageConfiguration.rawValue
        )
        switch kind {
        case "sbom": return try layout.put(Manifest(config: empty, layers: [try layout.put("s", as: "text/plain")]))
        case "chart":
            let chart = try layout.put(#"{"name":"c"}"#, as: "application/vnd.cncf.helm.config.v1+json")
            return layout.named(try layout.put(Manifest(config: chart, layers: [signature])), "chart:1")
        case "signature":
            return layout.named(
                try layout.put(Manifest(config: configuration, layers: [signature])),
                "sha256-\(layout.image.manifest.digest.hex).sig"
            )
        case "attestation":
            var descriptor = try layout.put(Manifest(config: configuration, layers: [signature]))
            descriptor.platform = Platform(os: "unknown", architecture: "unknown")
            return descriptor
        case "referrer":
            var manifest = Manifest(config: configuration, layers: [try layout.put("x", as: MediaType.layer.rawValue)])
            manifest.subject = layout.manifest
            return try layout.put(manifest)
        case "artifact type of the descriptor":
            var descriptor = layout.manifest
            descriptor.artifactType = MediaType(rawValue: "application/spdx+json")
            return descriptor
        default: return try layout.put("{}", as: "application/vnd.oci.artifact.manifest.v1+json")
        }
    }

    @Test("an artifact beside an image is left alone, wherever it is listed", arguments: artifacts)
    func besideImage(kind: String) throws {
        try Self.with { layout in
            let artifact = try Self.artifact(kind, in: layout)
            var plain = artifact
            plain.annotations = nil
            var labelled = plain
            labelled.platform = labelled.platform ?? .host
            for entries in [
                [layout.named(layout.manifest), artifact], [artifact, layout.named(layout.manifest)],
                [layout.named(try layout.put([plain, layout.manifest]))],
                [layout.named(try layout.put([labelled, layout.manifest]))],
            ] {
                try layout.setIndex(entries)
                #expect(try layout.load() == layout.expected, "\(entries)")
            }
            // Also where one image is asked for without its name.
            try layout.setIndex([layout.manifest, artifact])
            let store = try layout.fixture.otherStore()
            let lock = try store.store.lock(.shared)
            defer { withExtendedLifetime(lock) {} }
            #expect(try store.load(layout.path, selecting: .only).id == layout.image.id)
        }
    }

    @Test("a layout of artifacts alone is refused, and the message says what they are", arguments: artifacts.prefix(5))
    func onlyArtifacts(kind: String) throws {
        try Self.with { layout in
            try layout.setIndex([try Self.artifact(kind, in: layout)])
            let error = #expect(throws: ImageError.self) { try layout.load() }
            #expect(error?.description.contains("contains no image") ?? false, "\(String(describing: error))")
            #expect(error?.description.contains("application/vnd.") ?? false, "\(String(describing: error))")
            try layout.setIndex([])
            #expect(try layout.load() == [])
        }
    }

    @Test(
        "what Docker 25.0 saved is read by its `manifest.json`",
        arguments: [
            "no layers", "null for layers", "layers in another order", "not in the index", "null for manifests",
        ]
    )
    func docker25(fault: String) throws {
        try StoreFixture.with { fixture in
            let layers = try ["one", "two"].map { try fixture.layer([fixture.file($0, $0)]) }
            let image = try fixture.image(layers, names: ["app:1"])
            let archive = fixture.path("docker.tar")
            try fixture.images.save([ListedImage(image: image, names: [try name("app:1")])], as: .docker, to: archive)
            let layout = fixture.path("layout")
            try FileOperations.createDirectories(layout)
            #expect(try run(["tar", "-xf", archive.string, "-C", layout.string]).status == 0)
            var manifest = try fixture.images.content(of: image).manifest
            let whole = String(decoding: try CanonicalJSON.encode(manifest.layers), as: UTF8.self)
            if fault == "layers in another order" { manifest.layers.reverse() }
            if fault == "no layers" { manifest.layers = [] }
            var bytes = String(decoding: try CanonicalJSON.encode(manifest), as: UTF8.self)
            if fault == "null for layers" { bytes = bytes.replacing(whole, with: "null") }
            let digest = SHA256Hasher.digest(of: bytes)
            let blob = layout.pushing("blobs/sha256").appending(digest.hex)
            try FileOperations.writeAtomically(Array(bytes.utf8), to: blob, temporary: fixture.directory)
            let entry = Descriptor(mediaType: .imageManifest, digest: digest, size: Int64(bytes.utf8.count))
            var index = String(
                decoding: try CanonicalJSON.encode(ImageIndex(manifests: fault.contains("index") ? [] : [entry])),
                as: UTF8.self
            )
            if fault == "null for manifests" { index = #"{"schemaVersion":2,"manifests":null}"# }
            try FileOperations.writeAtomically(
                Array(index.utf8),
                to: layout.appending("index.json"),
                temporary: fixture.directory
            )
            let saved = fixture.path("saved.tar")
            #expect(try shell("cd \(layout) && tar -cf \(saved) *").status == 0)
            let other = try fixture.otherStore()
            let loaded = try other.load(saved)
            #expect(loaded.map(\.image.id) == [image.id])
            #expect(loaded.flatMap(\.names).map(\.familiar) == ["app:1"])
            try validate(try #require(loaded.first?.image), in: other)
        }
    }

    @Test("one image under two names is saved once, with both")
    func twoNames() throws {
        try StoreFixture.with { fixture in
            let image = try fixture.simple(names: ["a:1", "b:2"])
            let other = try fixture.simple("other", names: ["c:3"])
            let archive = fixture.path("saved.tar")
            let names = try ["a:1", "b:2"].map { try name($0) }
            try fixture.images.save(
                [
                    ListedImage(image: image, names: [names[0]]), ListedImage(image: other, names: [try name("c:3")]),
                    ListedImage(image: image, names: [names[1]]), ListedImage(image: image, names: [names[0]]),
                ],
                as: .docker,
                to: archive
            )
            let text = try run(["tar", "-xOf", archive.string, "manifest.json"]).output
            let items = try CanonicalJSON.decode([DockerArchiveManifest].self, from: Array(text.utf8))
            #expect(items.map(\.RepoTags) == [["a:1", "b:2"], ["c:3"]])
            let loaded = try fixture.otherStore().load(archive)
            #expect(loaded.map { $0.names.map(\.familiar) } == [["a:1", "b:2"], ["c:3"]])
        }
    }
}
