import BuildCache
import ContentStore
import OCI
import Testing

@testable import Distribution

@Suite("A directory of a cache mount in a shared cache")
struct SharedMountTests {
    private static func part(_ name: String) -> SharedMount.Part {
        SharedMount.Part(
            layer: CacheRecord.LayerResult(diffID: SHA256Hasher.digest(of: name), tarSize: 10_240),
            blob: Descriptor(mediaType: .layerZstd, digest: SHA256Hasher.digest(of: "blob \(name)"), size: 300)
        )
    }

    private static let mount = SharedMount([part("all"), part("change")])

    private func read(_ bytes: [UInt8], _ identity: String = "755 0 0 - /c", _ scope: String = "main") throws
        -> SharedMount
    {
        try SharedMount(decoding: bytes, identity, scope: scope)
    }

    @Test("comes back with its layers in their order", arguments: ["", "main", "feature/ü \"x\"\n"])
    func roundTrip(scope: String) throws {
        let bytes = try CanonicalJSON.encode(Self.mount.manifest("755 0 0 - /c", scope: scope))
        let found = try read(bytes, "755 0 0 - /c", scope)
        #expect(found.parts.map(\.layer) == Self.mount.parts.map(\.layer))
        #expect(found.parts.map(\.blob.digest) == Self.mount.parts.map(\.blob.digest))
    }

    @Test("is another one for each cache and each scope")
    func keys() {
        let keys = [("a", ""), ("a", "main"), ("b", ""), ("a main", ""), ("", "a")].map {
            SharedMount.key($0.0, scope: $0.1)
        }
        #expect(Set(keys).count == keys.count)
    }

    @Test("is not taken where it is not one, or is that of another cache or scope")
    func refused() throws {
        let good = try CanonicalJSON.encode(Self.mount.manifest("755 0 0 - /c", scope: "main"))
        let text = String(decoding: good, as: UTF8.self)
        for (wrong, right) in [
            ("x", "dev.swiftbuild.cache.diff-id"), ("-1", "10240"), ("1e99", "10240"), ("-300", "300"),
            ("application/x", "application/vnd.swiftbuild.cache.mount.v1+json"),
        ] {
            #expect(text.contains(right))
            #expect(throws: CacheEntry.Defect.malformed, "\(right)") {
                try read(Array(text.replacing(right, with: wrong).utf8))
            }
        }
        for parts in [[], Array(repeating: Self.part("x"), count: 65)] {
            let manifest = SharedMount(parts).manifest("755 0 0 - /c", scope: "main")
            #expect(throws: CacheEntry.Defect.malformed) { try read(CanonicalJSON.encode(manifest)) }
        }
        for bytes in [[], Array("{}".utf8), good.dropLast()] as [[UInt8]] {
            #expect(throws: CacheEntry.Defect.malformed) { try read(bytes) }
        }
        #expect(throws: CacheEntry.Defect.otherInputs) { try read(good, "755 0 0 - /other") }
        #expect(throws: CacheEntry.Defect.otherInputs) { try read(good, "755 0 0 - /c", "") }
    }
}
