import ContentStore
import FileSystem
import Glibc
import Layers
import OCI
import SystemPackage
import Tar
import TestSupport
import Testing

@testable import Images

@Suite struct ImportTests {
    static let tree = """
        mkdir -p tree/etc tree/bin tree/zdir && cd tree && printf root > etc/passwd && chmod 4755 etc/passwd && ln -s ../etc/passwd bin/link &&
        printf shared > zdir/original && ln zdir/original bin/another && mkfifo bin/pipe && touch "$(printf 'bin/\\377')" &&
        find . -exec touch -h -d @1700000000 {} + && cd ..
        """

    func configuration() -> ImageConfiguration {
        var configuration = ImageConfiguration(platform: .host)
        configuration.created = .epoch
        return configuration
    }

    @Test(
        "plain, compressed, shuffled and piped archives of one tree give one image",
        .needs(.program("tar"))
    )
    func sameImage() throws {
        try StoreFixture.with { fixture in
            let made = try shell("cd \(fixture.directory) && " + Self.tree)
            #expect(made.status == 0, "\(made.output)")
            let archives = try shell(
                """
                cd \(fixture.directory) && tar --numeric-owner -cf a.tar -C tree . && tar -czf b.tgz --numeric-owner -C tree . &&
                tar --format=pax --numeric-owner -cf c.tar -C tree zdir bin etc . --no-recursion . 2>/dev/null;
                (cd tree && find . | sort -r | tar --format=gnu --numeric-owner --no-recursion -cf ../d.tar -T -)
                """
            )
            #expect(archives.status == 0, "\(archives.output)")
            // The fifo keeps its place, the root its attributes.
            let images = try ["a.tar", "b.tgz", "d.tar"].map { source -> StoredImage in
                try fixture.otherStore("store-\(source)").importRootFilesystem(
                    fixture.path(source),
                    configuration: configuration(),
                    names: [name("imported")]
                )
            }
            let layers = try zip(["a.tar", "b.tgz", "d.tar"], images).map { source, image in
                try fixture.otherStore("store-\(source)").layers(of: image).map(\.diffID)
            }
            #expect(Set(layers).count == 1)
            let store = try fixture.otherStore("store-b.tgz")
            try validate(images[1], in: store)
            let layer = try #require(try store.layers(of: images[1]).first)
            let index = try store.layers.index(of: layer)
            #expect(index.entry(at: PathInRoot("etc/passwd"))?.permissions == 0o4755)
            #expect(index.entry(at: PathInRoot("bin/another"))?.kind == .regular)
            #expect(index.entry(at: PathInRoot("zdir/original"))?.linkTarget == Array("bin/another".utf8))
            #expect(index.entry(at: PathInRoot(Array("bin/".utf8) + [0xFF])) != nil)
            #expect(index.entry(at: PathInRoot("bin/pipe"))?.kind == .fifo)
            let entry = try #require(index.entry(at: PathInRoot("zdir/original")))
            #expect(try store.layers.read(entry, in: layer, limit: 100) == Array("shared".utf8))
        }
    }

    @Test("the output as tar imports again as the same layer")
    func again() throws {
        try StoreFixture.with { fixture in
            let image = try ArchiveTests.rich(fixture)
            try fixture.images.write(ListedImage(image: image, names: []), to: .tar(fixture.path("one.tar")))
            let first = try fixture.images.importRootFilesystem(fixture.path("one.tar"), configuration: configuration())
            try fixture.images.write(ListedImage(image: first, names: []), to: .tar(fixture.path("two.tar")))
            #expect(try FileOperations.read(fixture.path("one.tar")) == FileOperations.read(fixture.path("two.tar")))
            #expect(
                try fixture.images.importRootFilesystem(fixture.path("two.tar"), configuration: configuration())
                    == first
            )
        }
    }

    @Test(
        "what is no archive, or one that cannot be a root filesystem, is refused",
        arguments: ["x", "", String(repeating: "x", count: 2000)]
    )
    func refused(content: String) throws {
        try StoreFixture.with { fixture in
            let path = try fixture.write("bad", Array(content.utf8))
            #expect(throws: (any Error).self) {
                try fixture.images.importRootFilesystem(path, configuration: configuration())
            }
            #expect(try fixture.images.list().isEmpty)
        }
    }
}

@Suite struct PresentationTests {
    @Test("inspect and history have Docker's fields")
    func inspect() throws {
        try StoreFixture.with { fixture in
            let image = try fixture.simple(names: ["simple"])
            let text = String(decoding: try CanonicalJSON.encodePretty([fixture.images.inspect(image)]), as: UTF8.self)
            for field in [
                "Id", "RepoTags", "RepoDigests", "Created", "Config", "Architecture", "Os", "Size", "RootFS",
                "LastTagTime",
            ] {
                #expect(text.contains("\"\(field)\" :") || text.contains("\"\(field)\":"), "\(field)")
            }
            let rows = try fixture.images.history(of: image)
            #expect(rows.map(\.size) == [5])
            let listed = ImageRow.rows(try fixture.images.list())
            #expect(listed.map { "\($0.repository):\($0.tag)" } == ["simple:latest"] && listed.map(\.size) == [5])
        }
    }
}
