import ContentStore
import OCI
import TestSupport
import Testing

@testable import Images

@Suite("What registries call an image")
struct RegistryDigestTests {
    private static let digests = ["1", "2"].map { String(repeating: $0, count: 64) }

    private func reference(_ repository: String, _ digest: Int) throws -> ImageReference {
        try name("\(repository)@sha256:\(Self.digests[digest])")
    }

    /// `repository:tag digest` of each row.
    private func rows(_ fixture: StoreFixture, showingDigests: Bool) throws -> [String] {
        ImageRow.rows(try fixture.images.list(), showingDigests: showingDigests).map {
            "\($0.repository):\($0.tag) \($0.digest.prefix(8))"
        }
    }

    @Test("is remembered once, and survives that the image is built or pulled again")
    func remembered() throws {
        try StoreFixture.with { fixture in
            let image = try fixture.simple(names: ["host:5/app:1"])
            for digest in [0, 1, 0] { try fixture.images.remember(try reference("host:5/app", digest), of: image) }
            let known = try #require(fixture.images.image(id: image.id))
            #expect(known.registryDigests == [try reference("host:5/app", 0), try reference("host:5/app", 1)])
            #expect(try fixture.simple(names: ["again"]).id == image.id)
            let manifest = try fixture.images.store.blobs.read(image.manifest.digest)
            _ = try fixture.images.add(manifest: manifest, mediaType: .imageManifest, names: [try name("third")])
            #expect(fixture.images.image(id: image.id)?.registryDigests == known.registryDigests)
            let inspected = try CanonicalJSON.decode(
                JSONValue.self,
                from: try CanonicalJSON.encode(try fixture.images.inspect(known))
            )
            #expect(inspected["RepoDigests"] == .strings(known.registryDigests.map(\.familiar)))
            // What is remembered is shown; only what the image's own documents say is found by.
            #expect(fixture.images.find(reference: try reference("host:5/app", 1)) == nil)
        }
    }

    @Test("is shown as Docker shows it: a row for each digest, and one of its own where no tag is left")
    func table() throws {
        try StoreFixture.with { fixture in
            let image = try fixture.simple(names: ["app:1", "app:2", "other"])
            #expect(try rows(fixture, showingDigests: true) == ["app:1 <none>", "app:2 <none>", "other:latest <none>"])
            try fixture.images.remember(try reference("app", 0), of: image)
            #expect(
                try rows(fixture, showingDigests: true) == [
                    "app:1 sha256:1", "app:2 sha256:1", "other:latest <none>",
                ]
            )
            #expect(try rows(fixture, showingDigests: false).allSatisfy { $0.hasSuffix(" <none>") })
            try fixture.images.remember(try reference("app", 1), of: image)
            #expect(try rows(fixture, showingDigests: true).count == 5)
            // A newer image has got the name.
            for name in ["app:1", "app:2", "other"] { try fixture.images.untag(try ImageReference(parsing: name)) }
            #expect(try rows(fixture, showingDigests: true) == ["app:<none> sha256:1", "app:<none> sha256:2"])
            #expect(try rows(fixture, showingDigests: false).count == 1)
        }
    }

    @Test("is forgotten with the last name in its repository")
    func forgotten() throws {
        try StoreFixture.with { fixture in
            let image = try fixture.simple(names: ["app:1", "app:2", "other"])
            try fixture.images.remember(try reference("app", 0), of: image)
            try fixture.images.remove("app:1")
            #expect(fixture.images.image(id: image.id)?.registryDigests.count == 1)
            try fixture.images.remove("app:2")
            #expect(fixture.images.image(id: image.id)?.registryDigests == [])
        }
    }

    @Test("is bounded, so that a record can always be read")
    func bounded() throws {
        try StoreFixture.with { fixture in
            let image = try fixture.simple(names: ["app"])
            let path = "host/" + String(repeating: "a", count: 240)
            for number in 0..<70 {
                let hex = String(number + 100, radix: 16)
                let digest = hex + String(repeating: "0", count: 64 - hex.utf8.count)
                try fixture.images.remember(try name("\(path)@sha256:\(digest)"), of: image)
            }
            #expect(fixture.images.image(id: image.id)?.registryDigests.count == 64)
        }
    }
}
