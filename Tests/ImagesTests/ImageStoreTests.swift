import ContentStore
import FileSystem
import Layers
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import Images

@Suite struct ImageStoreTests {
    @Test("of several images that are listed at once, the last one with a name gets it")
    func batch() throws {
        try StoreFixture.with { fixture in
            let name = try ImageReference(parsing: "shared"), other = try ImageReference(parsing: "other:1")
            let first = try fixture.simple("first"), second = try fixture.simple("second")
            for before in [first, second] {
                try fixture.images.tag(before, as: name)
                try fixture.images.register([
                    ListedImage(image: first, names: [name, other]), ListedImage(image: second, names: [name]),
                ])
                #expect(fixture.images.find(reference: name) == second)
                #expect(fixture.images.find(reference: other) == first)
                #expect(try fixture.images.names(of: second) == [name])
                let index = try CanonicalJSON.decode(
                    ImageIndex.self,
                    from: try FileOperations.read(fixture.images.store.root.appending("index.json"))
                )
                let listed = index.manifests.map { [$0.annotations?[Annotation.referenceName], $0.digest.hex] }
                #expect(
                    Set(listed) == [
                        ["shared", second.manifest.digest.hex], ["shared:latest", second.manifest.digest.hex],
                        ["other:1", first.manifest.digest.hex],
                    ]
                )
                #expect(listed.count == 3)
            }
        }
    }

    @Test("an image that was added is found by name, ID and prefix")
    func find() throws {
        try StoreFixture.with { fixture in
            let image = try fixture.simple(names: ["simple", "localhost:5000/team/app:1.0"])
            try validate(image, in: fixture.images)
            #expect(try fixture.images.find("simple") == image)
            #expect(try fixture.images.find("docker.io/library/simple:latest") == image)
            #expect(try fixture.images.find("localhost:5000/team/app:1.0") == image)
            #expect(try fixture.images.find(image.id.short) == image)
            #expect(try fixture.images.find("\(image.id)") == image)
            #expect(try fixture.images.find("sha256:" + image.id.short) == image)
            #expect(try fixture.images.find("simple@\(image.manifest.digest)") == image)
            #expect(fixture.images.find(reference: try name("simple:latest@\(image.manifest.digest)")) == image)
            #expect(image.size == 5)
            #expect(throws: ImageError.notFound("simpel", similar: ["simple:latest"])) {
                try fixture.images.find("simpel")
            }
            #expect(throws: ImageError.self) { try fixture.images.find("") }
            #expect(throws: ImageError.self) { try fixture.images.find("../../etc/passwd") }
        }
    }

    @Test("an ID prefix that several images have is refused with the candidates")
    func ambiguous() throws {
        try StoreFixture.with { fixture in
            var seen: [Character: Digest] = [:]
            for number in 0..<17 {
                let id = try fixture.simple("\(number)").id
                guard let other = seen.updateValue(id, forKey: id.hex.first ?? "0") else { continue }
                let prefix = String(id.hex.prefix(1))
                do {
                    _ = try fixture.images.find(prefix)
                    Issue.record("expected an error")
                } catch ImageError.ambiguous(_, let candidates) {
                    #expect(candidates.contains(id) && candidates.contains(other))
                }
                return
            }
        }
    }

    @Test("adding an equal image writes nothing")
    func idempotent() throws {
        try StoreFixture.with { fixture in
            let first = try fixture.simple(names: ["simple"])
            let paths = [
                fixture.images.recordPath(first.id), fixture.images.store.root.appending("index.json"),
                fixture.images.path(ImageName(try name("simple"))), fixture.images.store.blobs.path(first.id),
            ]
            let before = try paths.map { try FileStatus.of($0) }
            #expect(try fixture.simple(names: ["simple"]) == first)
            #expect(try paths.map { try FileStatus.of($0) } == before)
        }
    }

    @Test("a name moves, and the image it left is dangling and listed")
    func list() throws {
        try StoreFixture.with { fixture in
            let old = try fixture.simple("old", created: 1_600_000_000, names: ["app"])
            let new = try fixture.simple("new", created: 1_700_000_000, names: ["app", "app:2"])
            let list = try fixture.images.list()
            #expect(list.map(\.image) == [new, old])
            #expect(list.map { $0.names.map(\.familiar) } == [["app:2", "app:latest"], []])
            #expect(try fixture.images.untag(name("app:2")))
            #expect(try !fixture.images.untag(name("app:2")))
            #expect(try fixture.images.names(of: new).map(\.familiar) == ["app:latest"])
            #expect(fixture.images.lastTagged([try name("app")]) != nil)
        }
    }

    @Test("a damaged record or name counts as missing", arguments: ["", "x", "manifest 1\nchecksum 0\n"])
    func damaged(content: String) throws {
        try StoreFixture.with { fixture in
            let image = try fixture.simple(names: ["simple"])
            let record = fixture.images.recordPath(image.id)
            let good = try FileOperations.read(record)
            try FileOperations.writeAtomically(Array(content.utf8), to: record, temporary: fixture.directory)
            #expect(throws: ImageError.self) { try fixture.images.find("simple") }
            #expect(try fixture.images.list().isEmpty)
            for position in good.indices {
                var flipped = good
                flipped[position] ^= 1
                #expect(ImageRecord.decode(flipped, id: image.id) == nil)
            }
            #expect(try fixture.simple(names: ["simple"]) == image)
            #expect(try fixture.images.find("simple") == image)
        }
    }

    @Test("names too long for a file name work")
    func longNames() throws {
        try StoreFixture.with { fixture in
            let text =
                Array(repeating: "abcdefgh", count: 25).joined(separator: "/") + ":"
                + String(repeating: "t", count: 128)
            let image = try fixture.simple(names: [text])
            #expect(try fixture.images.find(text) == image)
            #expect(try fixture.images.names(of: image).map(\.familiar) == [text])
        }
    }

    @Test("values of strangers survive the record")
    func recordEscapes() throws {
        let digest = SHA256Hasher.digest(of: "x")
        let image = StoredImage(
            id: digest,
            manifest: Descriptor(mediaType: MediaType(rawValue: "a b\n%"), digest: digest, size: 1),
            created: Timestamp(text: "yesterday\nsize 5"),
            size: 7,
            platform: Platform(os: "li nux", architecture: "ä", variant: "v\n")
        )
        #expect(ImageRecord.decode(ImageRecord.encode(image), id: digest) == image)
    }

    @Test("the index lists each name, and is made anew after a crash between name and index")
    func layoutIndex() throws {
        try StoreFixture.with { fixture in
            let image = try fixture.simple(names: ["b", "a:1", "c"])
            let root = fixture.images.store.root
            func names() throws -> [String] {
                let index = try CanonicalJSON.decode(
                    ImageIndex.self,
                    from: FileOperations.read(root.appending("index.json"))
                )
                let images = try fixture.images.list().map(\.image.manifest)
                #expect(
                    index.manifests.allSatisfy { entry in
                        images.contains { $0.digest == entry.digest && $0.size == entry.size }
                    }
                )
                return index.manifests.compactMap { $0.annotations?[Annotation.referenceName] }.sorted()
            }
            #expect(try names() == ["a:1", "b", "b:latest", "c", "c:latest"])
            try fixture.images.untag(name("b"))
            #expect(try names() == ["a:1", "c", "c:latest"])
            // A process that was killed after it moved the name.
            try LayoutIndex(fixture.images).invalidate()
            try FileOperations.remove(fixture.images.path(ImageName(name("c"))))
            try fixture.images.tag(image, as: name("d"))
            #expect(try names() == ["a:1", "d", "d:latest"])
            // An index of another tool, or a torn one.
            try FileOperations.writeAtomically(
                Array("{}".utf8),
                to: root.appending("index.json"),
                temporary: fixture.directory
            )
            try fixture.images.tag(image, as: name("e:1"))
            #expect(try names() == ["a:1", "d", "d:latest", "e:1"])
            for tag in ["a:1", "d", "e:1"] { try fixture.images.untag(name(tag)) }
            #expect(try names() == [])
            try fixture.images.tag(image, as: name("z"))
            #expect(try names() == ["z", "z:latest"])
        }
    }

    @Test("rmi: a name of several, the last name, an ID")
    func remove() throws {
        try StoreFixture.with { fixture in
            let image = try fixture.simple(names: ["a", "b"])
            #expect(throws: ImageError.severalNames(image.id, names: ["a:latest", "b:latest"])) {
                try fixture.images.remove(image.id.short)
            }
            #expect(try fixture.images.remove("a").map(\.description) == ["Untagged: a:latest"])
            #expect(
                try fixture.images.remove("b").map(\.description) == ["Untagged: b:latest", "Deleted: \(image.id)"]
            )
            #expect(try fixture.images.list().isEmpty)
            let again = try fixture.simple(names: ["a", "b"])
            #expect(try fixture.images.remove(again.id.short, force: true).count == 3)
            #expect(throws: ImageError.self) { try fixture.images.tag(again, as: name("c")) }
        }
    }

    @Test("prune keeps what images and the caller need, and nothing else")
    func prune() throws {
        try StoreFixture.with { fixture in
            let kept = try fixture.simple("kept", names: ["kept"])
            let dangling = try fixture.simple("dangling")
            let cached = try fixture.layer([fixture.file("cached", "cached")])
            let lost = try fixture.layer([fixture.file("lost", "lost")])
            _ = try fixture.write("store/tmp/debris", [1, 2, 3])
            let (remembered, forgotten) = ("\(cached.diffID.hex)-gzip-6", "\(lost.diffID.hex)-zstd-chunked-3-frames")
            for name in [remembered, forgotten] { _ = try fixture.write("store/compressed-v1/\(name)", [1]) }
            try FileOperations.createDirectories(fixture.images.store.root.appending("layers-v0").appending("x"))
            let dry = try fixture.images.prune(danglingImages: true, keeping: [cached.diffID], dryRun: true)
            #expect(try fixture.images.list().count == 2)
            let result = try fixture.images.prune(danglingImages: true, keeping: [cached.diffID])
            #expect(result == dry)
            #expect(result.images == [dangling.id])
            #expect(result.reclaimedBytes > 0)
            try validate(kept, in: fixture.images)
            #expect(fixture.images.layers.isAvailable(cached))
            #expect(fixture.images.store.blobs.size(lost.diffID) == nil)
            #expect(FileStatus.ifPresent(fixture.images.store.root.appending("layers-v0")) == nil)
            #expect(try FileOperations.names(in: fixture.images.store[.temporary]).isEmpty)
            let compressed = try FileOperations.names(in: fixture.images.store[.compressed])
            #expect(compressed.map { String(decoding: $0, as: UTF8.self) } == [remembered])
            #expect(try fixture.images.prune(danglingImages: true, keeping: [cached.diffID]).files == 0)
        }
    }

    @Test("hundreds of tags have one image")
    func manyNames() throws {
        try StoreFixture.with { fixture in
            let image = try fixture.simple()
            try fixture.images.tag(image, as: (0..<300).map { try name("repository-\($0)") })
            try fixture.images.tag(image, as: name("one-more"))
            #expect(try fixture.images.allNames().count == 301)
            #expect(try fixture.images.find("repository-299") == image)
        }
    }
}
