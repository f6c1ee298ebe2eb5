import ContentStore
import FileSystem
import OCI
import SystemPackage
import Tar
import TestSupport
import Testing

@testable import Layers

@Suite("What others say of a layer")
struct LayerClaimTests {
    private func withStores(_ body: (_ here: StoreFixture, _ elsewhere: StoreFixture) throws -> Void) throws {
        try withScratch { scratch in
            try body(try StoreFixture(scratch.appending("here")), try StoreFixture(scratch.appending("elsewhere")))
        }
    }

    private static let entries = [
        directory("d"), file("d/f"), hardLink("d/g", to: "d/f"), symbolicLink("l", to: "d"), whiteout("w"),
    ]

    /// A layer of one store, and the bytes by which another one knows of it.
    private func layer(_ elsewhere: StoreFixture, _ entries: [LayerEntry] = entries) throws -> (Layer, [UInt8]) {
        let layer = try elsewhere.layer(entries.map { ($0, "text") })
        return (layer, try elsewhere.layers.exportedIndex(of: layer))
    }

    /// The same bytes in the name of another layer.
    private func lie(_ bytes: [UInt8], about layer: Layer) throws -> [UInt8] {
        var bytes = bytes
        bytes.replaceSubrange(32..<64, with: layer.diffID.bytes)
        return try #require(LayerIndex(completing: bytes)).withBytes { Array($0) }
    }

    private func cached(_ key: Digest, _ here: StoreFixture) -> FilePath { here.store[.cache].appending(key.hex) }

    private func fetch(_ layer: Layer, _ elsewhere: StoreFixture, to here: StoreFixture) throws {
        try here.store.blobs.write(try FileOperations.read(elsewhere.store.blobs.path(layer.diffID)))
        try here.layers.verify(layer)
    }

    @Test("tells where things are, and is no layer")
    func known() throws {
        try withStores { here, elsewhere in
            let (layer, bytes) = try layer(elsewhere)
            #expect(here.layers.claim(bytes, of: layer.diffID))
            let index = try #require(here.layers.knownIndex(of: layer))
            let original = try elsewhere.layers.index(of: layer)
            #expect((0..<index.count).map { index[$0] } == (0..<original.count).map { original[$0] })
            #expect(here.layers.claimed([layer.diffID]) == [layer.diffID] && !here.layers.isAvailable(layer))
            #expect(throws: LayerError.missing(layer.diffID)) { try here.layers.index(of: layer) }
            try here.layers.checkClaims()
            // The same bytes from a store that got the layer from the first one.
            try fetch(layer, elsewhere, to: here)
            #expect(try here.layers.exportedIndex(of: layer) == bytes)
            #expect(here.layers.claimed([layer.diffID]) == [])
        }
    }

    @Test("is not taken where it is damaged, of another layer, or of files below files")
    func refused() throws {
        try withStores { here, elsewhere in
            let (layer, bytes) = try layer(elsewhere)
            var flipped = bytes
            flipped[bytes.count - 1] ^= 1
            for wrong in [[], Array(bytes.dropLast()), bytes + [0], flipped] {
                #expect(!here.layers.claim(wrong, of: layer.diffID))
            }
            #expect(!here.layers.claim(bytes, of: SHA256Hasher.digest(of: "other")))
            let index = LayerIndex(
                entries: [file("f"), file("f/g")],
                diffID: layer.diffID,
                tarSize: 1
            )
            #expect(!here.layers.claim(index.withBytes { Array($0) }, of: layer.diffID))
            #expect(here.layers.knownIndex(of: layer) == nil)
        }
    }

    @Test("leads to nothing but names, whatever its bytes are")
    func anything() throws {
        try withStores { here, elsewhere in
            let (layer, bytes) = try layer(elsewhere)
            var random = SeededRandom(7)
            for _ in 0..<3000 {
                var changed = bytes
                for _ in 0..<Int.random(in: 1...8, using: &random) {
                    let places = [8..<12, 96..<bytes.count].randomElement(using: &random) ?? 8..<12
                    changed[Int.random(in: places, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                guard let index = LayerIndex(completing: changed) else { continue }
                guard here.layers.claim(index.withBytes { Array($0) }, of: layer.diffID),
                    let taken = here.layers.knownIndex(of: layer)
                else { continue }
                let paths = (0..<taken.count).map { taken[$0].path }
                #expect(zip(paths, paths.dropFirst()).allSatisfy { $0 < $1 })
                _ = try? MergedView(layers: [taken]).resolve(PathInRoot("l/f"))
                MergedView(layers: [taken]).walk(.root) { _ in true }
            }
        }
    }

    @Test("that was false takes away what was made of it, once the layer comes; what is true does not")
    func settled() throws {
        for isTrue in [true, false] {
            try withStores { here, elsewhere in
                let (layer, bytes) = try layer(elsewhere)
                let (_, others) = try self.layer(elsewhere, [directory("e"), file("e/f")])
                #expect(here.layers.claim(isTrue ? bytes : try lie(others, about: layer), of: layer.diffID))
                let key = SHA256Hasher.digest(of: "key")
                try FileOperations.writeAtomically([], to: cached(key, here), temporary: here.directory)
                try here.layers.rest(key, on: [layer.diffID])
                // Another process, to which nobody has said anything.
                let later = try StoreFixture(here.directory)
                try fetch(layer, elsewhere, to: later)
                #expect((FileStatus.ifPresent(cached(key, here)) != nil) == isTrue)
                #expect(later.layers.isRefuted(key) == !isTrue)
                #expect(try FileOperations.names(in: here.store[.claims]) == [])
                for layers in [later.layers, here.layers] {
                    if isTrue {
                        try layers.checkClaims()
                    } else {
                        #expect(throws: FalseClaim.self) { try layers.checkClaims() }
                        try layers.checkClaims()
                    }
                }
            }
        }
    }

    @Test("is not rested on once the layer is known to be another")
    func tooLate() throws {
        try withStores { here, elsewhere in
            let (layer, bytes) = try layer(elsewhere)
            let (_, others) = try self.layer(elsewhere, [directory("e")])
            let early = try StoreFixture(here.directory)
            #expect(early.layers.claim(try lie(others, about: layer), of: layer.diffID))
            #expect(here.layers.claim(bytes, of: layer.diffID))
            try fetch(layer, elsewhere, to: try StoreFixture(here.directory))
            #expect(throws: FalseClaim.self) {
                try early.layers.rest(SHA256Hasher.digest(of: "key"), on: [layer.diffID])
            }
            try here.layers.rest(SHA256Hasher.digest(of: "key"), on: [layer.diffID])
            #expect(try FileOperations.names(in: here.store[.claims]) == [])
        }
    }
}
