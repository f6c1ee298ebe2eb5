import ContentStore
import FileSystem
import Layers
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import Images

/// Names that say what they lead to.
@Suite struct NameTests {
    private func refusal(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch ImageError.refusedName(_, let reason) {
            return reason
        } catch {
            return "\(error)"
        }
    }

    private static let foreign = "alpine@sha256:" + String(repeating: "ab", count: 32)

    @Test("a name with a digest is only for what has that digest, however it comes in")
    func foreignDigest() throws {
        try StoreFixture.with { fixture in
            let image = try fixture.simple()
            let foreign = try name(Self.foreign)
            let own = try name("alpine@\(image.manifest.digest)")
            #expect(refusal { try fixture.images.tag(image, as: foreign) }?.contains("has the digest") ?? false)
            try fixture.images.tag(image, as: own)
            #expect(fixture.images.find(reference: own) == image)
            // Neither in a layout nor in an archive of docker.
            for format in [ImageArchiveFormat.oci, .docker] {
                let path = fixture.path("layout-\(format)")
                try fixture.images.save([ListedImage(image: image, names: [try name("good:1")])], as: format, to: path)
                let edited = fixture.path("edited")
                let script = """
                    import sys, tarfile, io
                    source = tarfile.open(sys.argv[1]); target = tarfile.open(sys.argv[2], 'w')
                    for m in source:
                        data = source.extractfile(m).read() if m.isreg() else b''
                        if m.name in ('index.json', 'manifest.json'):
                            for old in (b'docker.io/library/good:1', b'good:1'): data = data.replace(old, sys.argv[3].encode())
                        m.size = len(data); target.addfile(m, io.BytesIO(data))
                    target.close()
                    """
                let program = try fixture.write("s.py", Array(script.utf8))
                for bad in [Self.foreign, "\(image.id)", image.id.hex] {
                    let result = try run(["python3", program.string, path.string, edited.string, bad])
                    #expect(result.status == 0, "\(result.output)")
                    let other = try fixture.otherStore("other-\(format)-\(bad.prefix(8))")
                    #expect(refusal { _ = try other.load(edited) } != nil, "\(format) \(bad)")
                    #expect(try other.list().isEmpty)
                }
            }
        }
    }

    @Test(
        "the form of an ID is no name, as docker says",
        arguments: ["sha256", "sha256:1", "docker.io/library/sha256:x", String(repeating: "0", count: 64)]
    )
    func formOfID(_ text: String) throws {
        try StoreFixture.with { fixture in
            let image = try fixture.simple()
            #expect(refusal { try fixture.images.tag(image, as: try name(text)) } == "it has the form of an image ID")
            #expect(refusal { try ImageStore.check(newName: try name(text)) } == "it has the form of an image ID")
            #expect(fixture.images.find(reference: try name(text)) == nil)
        }
    }

    @Test("what only looks a little like an ID is a name")
    func otherForms() throws {
        try StoreFixture.with { fixture in
            let image = try fixture.simple()
            for text in ["0123456789ab", "sha256/x", "team/sha256:1", String(repeating: "g", count: 64)] {
                try fixture.images.tag(image, as: try name(text))
                #expect(fixture.images.find(reference: try name(text)) == image, "\(text)")
            }
        }
    }

    @Test("an ID in the place of a name is one, whatever the store calls so")
    func byID() throws {
        try StoreFixture.with { fixture in
            let (good, evil) = (try fixture.simple("good"), try fixture.simple("evil"))
            // As an older version let it in.
            for text in ["\(good.id)", good.id.hex] {
                let bad = ImageName(try name(text))
                try FileOperations.writeAtomically(
                    bad.fileContent(evil.id),
                    to: fixture.images.path(bad),
                    temporary: fixture.images.store[.temporary]
                )
                #expect(fixture.images.find(reference: try name(text)) == good)
                #expect(try fixture.images.find(text) == good)
            }
        }
    }

    @Test("a digest in a name is compared, whatever the store says that the name leads to")
    func verified() throws {
        try StoreFixture.with { fixture in
            let image = try fixture.simple(names: ["alpine:1"])
            let foreign = ImageName(try name(Self.foreign))
            try FileOperations.writeAtomically(
                foreign.fileContent(image.id),
                to: fixture.images.path(foreign),
                temporary: fixture.images.store[.temporary]
            )
            #expect(fixture.images.find(reference: try name(Self.foreign)) == nil)
            #expect(
                fixture.images.find(reference: try name("alpine:1@sha256:" + String(repeating: "ab", count: 32))) == nil
            )
            #expect(fixture.images.find(reference: try name("alpine:1@\(image.manifest.digest)")) == image)
            #expect(fixture.images.find(reference: try name("alpine@\(image.manifest.digest)")) == image)
            #expect(fixture.images.find(reference: try name("other@\(image.manifest.digest)")) == nil)
        }
    }

    @Test("the digest of an index is one of the images that it lists, as long as prune keeps it, and no other's")
    func indexDigest() throws {
        try StoreFixture.with { fixture in
            let (image, other) = (try fixture.simple(), try fixture.simple("other"))
            var entry = image.manifest
            entry.platform = image.platform
            let index = try fixture.images.store.blobs.write(try CanonicalJSON.encode(ImageIndex(manifests: [entry])))
            let pulled = try name("alpine@\(index)")
            #expect(refusal { try fixture.images.tag(other, as: pulled) } != nil)
            try fixture.images.tag(image, as: pulled)
            _ = try fixture.images.prune(danglingImages: true)
            #expect(fixture.images.find(reference: pulled) == image)
            // A document that nobody can compare says nothing.
            try FileOperations.remove(fixture.images.store.blobs.path(index))
            #expect(fixture.images.find(reference: pulled) == nil)
        }
    }

    @Test("a name whose file is lost or damaged is found in index.json, and can be removed and moved")
    func lostName() throws {
        try StoreFixture.with { fixture in
            let (image, other) = (try fixture.simple(names: ["app:1", "app:2"]), try fixture.simple("other"))
            let reference = try name("app:1")
            let path = fixture.images.path(ImageName(reference))
            for content: [UInt8]? in [nil, [], Array("garbage".utf8), Array("\(other.id)".utf8.dropLast())] {
                try FileOperations.removeTree(path)
                if let content {
                    try FileOperations.writeAtomically(content, to: path, temporary: fixture.directory)
                }
                #expect(fixture.images.find(reference: reference) == image)
            }
            #expect(try fixture.images.lostNames(restoring: false) == 1)
            #expect(try fixture.images.lostNames(restoring: true) == 1)
            #expect(try fixture.images.names(of: image).count == 2)
            #expect(try fixture.images.lostNames(restoring: true) == 0)
            try FileOperations.remove(path)
            try fixture.images.tag(other, as: reference)
            #expect(fixture.images.find(reference: reference) == other)
            try FileOperations.remove(path)
            #expect(try fixture.images.untag(reference))
            #expect(fixture.images.find(reference: reference) == nil)
            #expect(try fixture.images.lostNames(restoring: false) == 0)
        }
    }

    @Test("the record of an image is made again from its documents")
    func lostRecord() throws {
        try StoreFixture.with { fixture in
            let image = try fixture.simple(names: ["app:1"])
            try FileOperations.remove(fixture.images.recordPath(image.id))
            #expect(try fixture.images.lostNames(restoring: true) == 1)
            #expect(fixture.images.find(reference: try name("app:1")) == image)
        }
    }

    @Test(
        "an image that is made again is whole again, whichever of its documents was damaged",
        arguments: [true, false]
    )
    func damagedDocument(isManifest: Bool) throws {
        try StoreFixture.with { fixture in
            let image = try fixture.simple(names: ["app:1"])
            let damaged = isManifest ? image.manifest.digest : image.id
            let size = try #require(fixture.images.store.blobs.size(damaged))
            try FileOperations.writeAtomically(
                [UInt8](repeating: 0, count: Int(size)),
                to: fixture.images.store.blobs.path(damaged),
                temporary: fixture.directory
            )
            #expect(throws: ContentStoreError.damaged(damaged)) { try fixture.images.wholeContent(of: image) }
            #expect(try fixture.simple(names: ["app:1"]) == image)
            try validate(image, in: fixture.images)
        }
    }
}
