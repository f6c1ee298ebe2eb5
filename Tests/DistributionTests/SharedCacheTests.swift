import BuildCache
import ContentStore
import FileSystem
import Layers
import OCI
import Registry
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Distribution

@Suite("An entry of a shared cache")
struct CacheEntryTests {
    private static let layer = CacheRecord.LayerResult(diffID: SHA256Hasher.digest(of: "layer"), tarSize: 10_240)
    private static let blob = Descriptor(mediaType: .layerGzip, digest: SHA256Hasher.digest(of: "blob"), size: 5)

    private func entry(_ inputs: [NamedInput]) -> CacheEntry {
        let record = CacheRecord(key: StepKey(inputs), instruction: "RUN true", layer: Self.layer, created: -5)
        return CacheEntry(record, Self.layer, blob: Self.blob)
    }

    @Test(
        "comes back with all its inputs in their order, whatever is in them",
        arguments: ["", " ", "\n", "\u{0}", "\u{0301}a", "e\u{0301}", "\u{E9}", "🇩🇪", "\"\\/", "0001.x"]
    )
    func roundTrip(text: String) throws {
        let inputs = (0..<25).map { NamedInput("\(text)\(24 - $0)", "\($0)\(text)") } + [NamedInput(text, text)]
        let entry = entry(inputs)
        for alias in [nil, SHA256Hasher.digest(of: "alias")] {
            let key = alias ?? entry.record.key.digest
            let read = try CacheEntry(decoding: CanonicalJSON.encode(entry.manifest(under: key)), under: key)
            #expect(read.record.key.digest == entry.record.key.digest && read.record.created == -5)
            #expect(
                read.record.instruction == "RUN true" && read.layer == Self.layer
                    && read.blob.digest == Self.blob.digest
            )
        }
    }

    @Test("is an artifact with one layer and an empty configuration (manifest.md)")
    func artifact() throws {
        let entry = entry([NamedInput("a", "b")])
        let manifest = entry.manifest(under: entry.record.key.digest)
        #expect(!manifest.isImage && manifest.layers.map(\.digest) == [Self.blob.digest])
        #expect(manifest.config.digest == SHA256Hasher.digest(of: "{}") && manifest.config.size == 2)
        let index = Descriptor(mediaType: SharedLayerIndex.mediaType, digest: SHA256Hasher.digest(of: "index"), size: 9)
        let whole = CacheEntry(entry.record, Self.layer, blob: Self.blob, index: index)
        let read = try CacheEntry(
            decoding: CanonicalJSON.encode(whole.manifest(under: entry.record.key.digest)),
            under: entry.record.key.digest
        )
        #expect(read.index == index && read.blob.digest == Self.blob.digest)
        #expect(manifest.annotations?["dev.swiftbuild.cache.alias"] == nil)
    }

    @Test("is not taken where it is not one, or is one of another step")
    func refused() throws {
        let own = entry([NamedInput("a", "b")])
        let key = own.record.key.digest
        let good = try CanonicalJSON.encode(own.manifest(under: key))
        let text = String(decoding: good, as: UTF8.self)
        for (wrong, right) in [
            ("", "dev.swiftbuild.cache.instruction"), ("x", "dev.swiftbuild.cache.diff-id"), ("-1", "10240"),
            ("application/x", "application/vnd.swiftbuild.cache.step.v1+json"), ("now", "-5"),
        ] {
            #expect(text.contains(right))
            #expect(throws: CacheEntry.Defect.malformed, "\(right)") {
                try CacheEntry(decoding: Array(text.replacing(right, with: wrong).utf8), under: key)
            }
        }
        for bytes in [[], Array("{}".utf8), good.dropLast()] as [[UInt8]] {
            #expect(throws: CacheEntry.Defect.malformed) { try CacheEntry(decoding: bytes, under: key) }
        }
        #expect(throws: CacheEntry.Defect.otherInputs) {
            try CacheEntry(decoding: good, under: SHA256Hasher.digest(of: "other"))
        }
        #expect(throws: CacheEntry.Defect.otherInputs) {
            try CacheEntry(decoding: Array(text.replacing("\"b\"", with: "\"c\"").utf8), under: key)
        }
    }
}

/// Two stores that share a directory.
@Suite("A shared cache in a directory")
struct SharedCacheTests {
    private let scratch: ScratchDirectory
    private let one: StoreFixture
    private let other: StoreFixture
    private let warnings = Warnings()
    private var shared: FilePath { scratch.path.appending("cache") }

    private final class Warnings: Sendable {
        let texts = Mutex<[String]>([])
    }

    init() throws {
        scratch = try ScratchDirectory()
        one = try StoreFixture(scratch.path.appending("one"))
        other = try StoreFixture(scratch.path.appending("other"))
    }

    private func cache(_ fixture: StoreFixture, from: Bool = false, to: Bool = false) throws -> SharedCache {
        let source = try CacheLocation(parsing: "type=local,src=\(shared)", .from)
        let destination = try CacheLocation(parsing: "type=local,dest=\(shared)", .to)
        return SharedCache(
            from: from ? [source] : [],
            to: to ? [destination] : [],
            fixture.layers,
            RegistryConnections(environment: [:])
        ) { [warnings] text in warnings.texts.withLock { $0.append(text) } }
    }

    /// Keeps the result of a step, and gives its record.
    private func keep(under alias: Digest? = nil) async throws -> CacheRecord {
        let layer = try one.layer(file("f"), directory("d"))
        let result = CacheRecord.LayerResult(diffID: layer.diffID, tarSize: layer.blob.size)
        let key = StepKey([NamedInput("instruction", "COPY f /f"), NamedInput("files", "digest")])
        let record = CacheRecord(key: key, instruction: "COPY f /f", layer: result, created: 7)
        try StepCache(one.store).save(record)
        let cache = try cache(one, to: true)
        #expect(!cache.hasSources)
        for _ in 0..<2 {
            cache.keep(key, under: alias)
            await cache.finish()
            #expect(cache.summary.sent == 1)
        }
        return record
    }

    @Test(
        "gives another store what one has kept, under the step's own key and under an alias",
        arguments: [false, true]
    )
    func found(byAlias: Bool) async throws {
        let alias = byAlias ? SHA256Hasher.digest(of: "alias") : nil
        let record = try await keep(under: alias)
        let cache = try cache(other, from: true)
        let key = alias ?? record.key.digest
        #expect(await cache.record(under: SHA256Hasher.digest(of: "unknown")) == nil)
        let found = try #require(await cache.record(under: key))
        #expect(found == record)
        let layer = try #require(found.layer)
        #expect(cache.summary.fetched == 0)
        try await cache.fetch(layer, under: key)
        try await cache.fetch(layer, under: key)
        #expect(cache.summary.found == 1 && cache.summary.fetched == 1 && cache.summary.fetchedBytes > 0)
        let stack = try LayerStack([Layer(diffID: layer.diffID, tarSize: layer.tarSize)], in: other.layers)
        #expect(try stack.read("/f", limit: 100) == Array("/f".utf8))
        #expect(warnings.texts.withLock { $0 } == [])
    }

    @Test("that is missing is empty, and none is written to without being asked")
    func missing() async throws {
        let cache = try cache(other, from: true)
        #expect(await cache.record(under: SHA256Hasher.digest(of: "key")) == nil)
        cache.keep(StepKey([]), under: nil)
        await cache.finish()
        #expect(FileStatus.ifPresent(shared) == nil && warnings.texts.withLock { $0 } == [])
    }

    @Test("with damaged entries has none of them, and says so once")
    func damagedEntry() async throws {
        let record = try await keep()
        let path = shared.appending("entries").appending(record.key.digest.hex)
        let moved = SHA256Hasher.digest(of: "other key")
        try FileOperations.writeAtomically(
            FileOperations.read(path),
            to: path.removingLastComponent().appending(moved.hex),
            temporary: shared
        )
        try FileOperations.writeAtomically(Array("{}".utf8), to: path, temporary: shared)
        let cache = try cache(other, from: true)
        for key in [record.key.digest, moved, record.key.digest] { #expect(await cache.record(under: key) == nil) }
        #expect(warnings.texts.withLock { $0 } == ["the cache `\(shared)` has an unreadable entry"])
    }

    @Test("with a damaged layer gives none, and the store gets nothing of it")
    func damagedLayer() async throws {
        let record = try await keep()
        let blobs = shared.appending("blobs/sha256")
        let entry = try CacheEntry(
            decoding: FileOperations.read(shared.appending("entries").appending(record.key.digest.hex)),
            under: record.key.digest
        )
        let name = entry.blob.digest.hex
        var bytes = try FileOperations.read(blobs.appending(name))
        bytes[bytes.count / 2] ^= 1
        try FileOperations.writeAtomically(bytes, to: blobs.appending(name), temporary: shared)
        let cache = try cache(other, from: true)
        let layer = try #require(await cache.record(under: record.key.digest)?.layer)
        await #expect(throws: (any Error).self) { try await cache.fetch(layer, under: record.key.digest) }
        #expect(!other.layers.isAvailable(Layer(diffID: layer.diffID, tarSize: layer.tarSize)))
        #expect(try FileOperations.names(in: other.store[.temporary]) == [])
        #expect(warnings.texts.withLock { $0.count } == 1)
    }

    @Test("tells what layers hold that it does not give, and everything that a build has kept at once")
    func indexes() async throws {
        let record = try await keep()
        let layer = try #require(record.layer)
        let base = try one.layer(file("base"))
        let definitions = [SHA256Hasher.digest(of: "exact"), SHA256Hasher.digest(of: "near")]
        let sender = try cache(one, to: true)
        sender.begin(definitions)
        sender.keep(record.key, under: nil)
        sender.keepIndex(ofLayer: base.diffID, base.blob)
        sender.keepBuild(Array("what it was".utf8))
        await sender.finish()
        #expect(sender.summary.sent == 0)
        // Entries that only the list has.
        let entries = shared.appending("entries")
        for key in [record.key.digest, SharedLayerIndex.key(base.diffID)] {
            try FileOperations.remove(entries.appending(key.hex))
        }
        for definition in definitions {
            let cache = try cache(other, from: true)
            cache.begin([SHA256Hasher.digest(of: "unknown"), definition])
            #expect(await cache.latestBuild() == Array("what it was".utf8))
            #expect(cache.listedInputs(of: record.key.digest) == record.key.inputs)
            #expect(await cache.record(under: record.key.digest) == record)
            await cache.bringIndexes(of: [layer.diffID, base.diffID, SHA256Hasher.digest(of: "unknown layer")])
        }
        for known in [Layer(diffID: layer.diffID, tarSize: layer.tarSize), base] {
            #expect(!other.layers.isAvailable(known))
            #expect(other.layers.knownIndex(of: known)?.count == (known == base ? 1 : 2))
        }
        #expect(other.layers.claimed([layer.diffID, base.diffID]).count == 2)
        #expect(warnings.texts.withLock { $0 } == [])
        // A list under the name of another one is none.
        let path = entries.appending(definitions[1].hex)
        try FileOperations.writeAtomically(
            FileOperations.read(entries.appending(definitions[0].hex)),
            to: path,
            temporary: shared
        )
        let misled = try cache(other, from: true)
        misled.begin([definitions[1]])
        #expect(await misled.latestBuild() == nil)
    }
}
