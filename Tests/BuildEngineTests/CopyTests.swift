import BuildContext
import ContentStore
import FileSystem
import Foundation
import Glibc
import Layers
import OCI
import Synchronization
import SystemPackage
import Tar
import Testing

@testable import BuildEngine

/// Ends a thread.
private final class Stop: Sendable {
    let isAsked = Mutex(false)
}

@Suite("COPY and ADD")
struct CopyTests {
    @Test("archives with the same names keep their own hard links, also when a member comes twice")
    func archiveHardLinks() async throws {
        try await EngineFixture.with { fixture in
            try fixture.shell(
                "echo one > f; ln f g; tar cf a.tar f g; rm f g; echo two > f; tar cf b.tar f; tar rf a.tar f; rm f"
            )
            let once = try await fixture.build("FROM scratch\nADD a.tar /\n")
            #expect(once.tree == ["/f regular 644 two\n", "/g regular 644 one\n"])
            try fixture.shell("echo one > f; ln f g; tar cf a.tar f g; rm f g")
            let both = try await fixture.build("FROM scratch\nADD a.tar b.tar /\n")
            #expect(both.tree == ["/f regular 644 two\n", "/g regular 644 one\n"])
        }
    }

    @Test("an archive that replaces a directory by a file and that by a directory leaves nothing of the first one")
    func archiveReplaces() async throws {
        try await EngineFixture.with { fixture in
            try fixture.shell(
                "mkdir d; echo old > d/old; tar cf old.tar d; rm -r d; echo x > d; tar cf a.tar d; rm d; mkdir d; echo new > d/new; tar rf a.tar d; rm -r d"
            )
            let built = try await fixture.build("FROM scratch\nADD old.tar /\nADD a.tar /\n")
            #expect(built.tree == ["/d directory 755", "/d/new regular 644 new\n"])
        }
    }

    @Test(
        "names that mean removed files are refused wherever they come in",
        arguments: ["COPY f /.wh.f", "COPY f /.wh.d/", "ADD a.tar /", "WORKDIR /.wh.d"]
    )
    func whiteoutNames(step: String) async throws {
        try await EngineFixture.with { fixture in
            try fixture.shell("echo f > f; mkdir .wh.x; echo f > .wh.x/f; tar cf a.tar .wh.x/f")
            await #expect(throws: BuildError.self) { try await fixture.build("FROM scratch\n\(step)\n") }
            #expect(fixture.leftovers == [])
        }
    }

    @Test("a file that is written to meanwhile gives its old or new content, or an error, and never a wrong digest")
    func changing() async throws {
        try await EngineFixture.with { fixture in
            let path = fixture.context.appending("f").string
            let stop = Stop()
            try fixture.write("f", String(repeating: "a", count: 1 << 18))
            let writer = Thread {
                var letter: UInt8 = 98
                while !stop.isAsked.withLock({ $0 }) {
                    letter = letter == 122 ? 97 : letter + 1
                    let bytes = [UInt8](repeating: letter, count: 1 << 18)
                    let descriptor = open(path, O_WRONLY)
                    pwrite(descriptor, bytes, bytes.count, 0)
                    close(descriptor)
                    usleep(300)
                }
            }
            writer.start()
            defer { stop.isAsked.withLock { $0 = true } }
            for _ in 0..<25 { _ = try? await fixture.build("FROM scratch\nCOPY f /f\n") }
        }
    }

    @Test("a damaged or missing blob of a cached step makes the step run again, and the image is right")
    func damagedBlob() async throws {
        try await EngineFixture.with { fixture in
            try fixture.write("f", "content")
            let text = "FROM scratch\nCOPY f /f\nWORKDIR /w\n"
            let first = try await fixture.build(text)
            let blob = try fixture.layers.store.blobs.path(first.image.layers[0].diffID)
            #expect(try await fixture.build(text).outcomes == ["base", "cached", "cached"])
            for damage in 0..<3 {
                usleep(20_000)
                if damage == 0 { unlink(blob.string) }
                if damage == 1 { truncate(blob.string, 512) }
                if damage == 2 { try fixture.shell("printf x | dd of=\(blob) bs=1 seek=515 conv=notrunc 2>/dev/null") }
                let again = try await fixture.build(text)
                #expect(again.outcomes[1] == "ran", "\(damage)")
                #expect(again.tree == first.tree && again.image.layers == first.image.layers)
                #expect(try fixture.layers.store.blobs.verify(first.image.layers[0].diffID))
            }
        }
    }

    @Test("any byte of the store may be wrong: never a trap, never a wrong image")
    func flips() async throws {
        try await EngineFixture.with { fixture in
            try fixture.shell("mkdir d; echo one > d/one; ln -s one d/link; echo two > two")
            let text = "FROM scratch AS a\nCOPY d /d\nFROM scratch\nCOPY --from=a /d /e\nCOPY two /\nLABEL x=y\n"
            let expected = try await fixture.build(text).tree
            let store = fixture.directory.appending("store")
            for bucket in ["cache-v1", "layers-v1", "blobs/sha256", "fingerprints-v1"] {
                for name in try FileOperations.names(in: store.pushing(FilePath(bucket))) {
                    let path = store.pushing(FilePath(bucket)).appending(bytes: name)
                    let good = try FileOperations.read(path)
                    for position in stride(from: 0, to: good.count, by: max(1, good.count / 6)) {
                        var bad = good
                        bad[position] ^= 0x41
                        try FileOperations.writeAtomically(bad, to: path, temporary: store.appending("tmp"))
                        do {
                            #expect(try await fixture.build(text).tree == expected, "\(path) byte \(position)")
                        } catch let error as LayerError {
                            #expect("\(error)".contains("damaged"))
                        }
                    }
                }
            }
            #expect(try await fixture.build(text).tree == expected)
        }
    }
}
