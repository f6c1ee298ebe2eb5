import ContentStore
import FileSystem
import Glibc
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import BuildContext

@Suite struct FingerprintTests {
    /// A context and a store, and what is found out about the one with the other.
    struct Fixture {
        let scratch: ScratchDirectory
        let storage: ScratchDirectory
        let store: Store

        init() throws {
            scratch = try ScratchDirectory()
            storage = try ScratchDirectory()
            store = try Store(root: storage.path)
        }

        func fingerprint(_ source: String = ".") throws -> ContentFingerprint {
            let context = try scratch.context()
            let cache = FingerprintCache(store: store, context: context)
            let result = try ContentFingerprint(reading: context.listing(source), in: context, cache: cache)
            try cache.save()
            return result
        }

        func cached(_ name: String) throws -> Digest? {
            let cache = try FingerprintCache(store: store, context: scratch.context())
            return try cache.digest(for: FileStatus.of(FilePath(scratch.file(name))))
        }

        /// Waits until the files written so far are old enough to be remembered.
        func settle() { usleep(30_000) }

        var table: FilePath {
            get throws {
                let name = try #require(FileOperations.names(in: store[.fingerprints]).first)
                return store[.fingerprints].appending(String(decoding: name, as: UTF8.self))
            }
        }
    }

    @Test("digests are remembered by status, and are those of the contents")
    func remembering() throws {
        let fixture = try Fixture()
        try fixture.scratch.write("a/f", "hello")
        fixture.settle()
        let first = try fixture.fingerprint()
        #expect(first.listings[0].entries[1].contentDigest == SHA256Hasher.digest(of: "hello"))
        #expect(try fixture.cached("a/f") == SHA256Hasher.digest(of: "hello"))
        #expect(try fixture.fingerprint().digest == first.digest)
    }

    @Test("a file written just now is not remembered")
    func racy() throws {
        let fixture = try Fixture()
        try fixture.scratch.write("f", "hello")
        _ = try fixture.fingerprint()
        #expect(try fixture.cached("f") == nil)
    }

    @Test("a rewrite of the same size with the old times is seen")
    func restoredTime() throws {
        let fixture = try Fixture()
        try fixture.scratch.write("f", "hello")
        fixture.settle()
        let first = try fixture.fingerprint()
        let status = try FileStatus.of(FilePath(fixture.scratch.file("f")))
        try fixture.scratch.write("f", "jello")
        setTime(fixture.scratch.file("f"), status.modified)
        #expect(try fixture.cached("f") == nil)
        #expect(try fixture.fingerprint().digest != first.digest)
    }

    @Test("a time in the future neither hides a change nor prevents remembering")
    func future() throws {
        let fixture = try Fixture()
        try fixture.scratch.write("f", "hello")
        let later: Int64 = 4_000_000_000_000_000_000
        setTime(fixture.scratch.file("f"), later)
        fixture.settle()
        _ = try fixture.fingerprint()
        #expect(try fixture.cached("f") != nil)
        try fixture.scratch.write("f", "jello")
        setTime(fixture.scratch.file("f"), later)
        #expect(try fixture.cached("f") == nil)
    }

    @Test("the margin is 20 ms, or 2 s where the filesystem keeps whole seconds")
    func margin() throws {
        let scratch = try ScratchDirectory()
        try scratch.write("f")
        let status = try FileStatus.of(FilePath(scratch.file("f")))
        let margin: Int64 = status.changed % 1_000_000_000 == 0 ? 2_000_000_000 : 20_000_000
        #expect(FingerprintCache.isSettled(status, at: status.changed + margin))
        #expect(!FingerprintCache.isSettled(status, at: status.changed + margin - 1))
        #expect(!FingerprintCache.isSettled(status, at: 0))
        #expect(!FingerprintCache.isSettled(status, at: .min))
    }

    @Test("a damaged table is harmless")
    func damage() throws {
        let fixture = try Fixture()
        for number in 0..<20 { try fixture.scratch.write("f\(number)", "content \(number)") }
        fixture.settle()
        let expected = try fixture.fingerprint().digest
        let path = try fixture.table
        let whole = try FileOperations.read(path)
        var variants: [[UInt8]] = [[], Array(whole.prefix(10)), Array(whole.dropLast()), whole + [0]]
        for position in stride(from: 0, to: whole.count, by: 29) {
            var flipped = whole
            flipped[position] ^= 0x41
            variants.append(flipped)
        }
        for variant in variants {
            try FileOperations.writeAtomically(variant, to: path, temporary: fixture.store[.temporary])
            #expect(try fixture.fingerprint().digest == expected)
        }
    }

    @Test("what counts changes the digest, what does not count leaves it")
    func counting() throws {
        let fixture = try Fixture()
        try fixture.scratch.write("d/f", "hello")
        try fixture.scratch.link("d/l", to: "f")
        try fixture.scratch.write("other/f", "hello")
        try fixture.scratch.link("other/l", to: "f")
        let first = try fixture.fingerprint("d").digest
        #expect(try fixture.fingerprint("other").digest == first)
        #expect(try fixture.fingerprint("d/f").digest == fixture.fingerprint("other/f").digest)
        setTime(fixture.scratch.file("d/f"), 1_000_000_000)
        chown(fixture.scratch.file("d/f"), 1, 1)
        #expect(try fixture.fingerprint("d").digest == first)
        chmod(fixture.scratch.file("d/f"), 0o600)
        #expect(try fixture.fingerprint("d").digest != first)
        chmod(fixture.scratch.file("d/f"), 0o644)
        #expect(try fixture.fingerprint("d").digest == first)
        unlink(fixture.scratch.file("d/l"))
        try fixture.scratch.link("d/l", to: "g")
        #expect(try fixture.fingerprint("d").digest != first)
        #expect(try fixture.fingerprint("d").digest != fixture.fingerprint("d/f").digest)
    }

    @Test("a moved context gives the same digest")
    func moved() throws {
        let fixture = try Fixture()
        try fixture.scratch.write("one/f", "hello")
        fixture.settle()
        func digest(_ name: String) throws -> Digest {
            let context = try ContextDirectory(FilePath(fixture.scratch.file(name)))
            let cache = FingerprintCache(store: fixture.store, context: context)
            defer { try? cache.save() }
            return try ContentFingerprint(reading: context.listing("."), in: context, cache: cache).digest
        }
        let first = try digest("one")
        rename(fixture.scratch.file("one"), fixture.scratch.file("two"))
        #expect(try digest("two") == first)
        #expect(try FileOperations.names(in: fixture.store[.fingerprints]).count == 2)
    }

    @Test(
        "extended attributes count, also when the content is remembered",
        .needs(.fileAttributes)
    )
    func attributes() throws {
        let fixture = try Fixture()
        try fixture.scratch.write("f", "hello")
        fixture.settle()
        let first = try fixture.fingerprint()
        let descriptor = try FileOperations.open(FilePath(fixture.scratch.file("f")), O_RDONLY)
        defer { close(descriptor) }
        try #require(ExtendedAttribute(name: "user.note", value: Array("x".utf8)).set(on: descriptor))
        fixture.settle()
        for _ in 0..<2 {
            let second = try fixture.fingerprint()
            #expect(second.digest != first.digest)
            #expect(
                second.listings[0].entries[0].extendedAttributes == [.init(name: "user.note", value: Array("x".utf8))]
            )
        }
    }

    @Test("a file that changes between the walk and the reading is what it became")
    func changing() throws {
        let fixture = try Fixture()
        try fixture.scratch.write("f", "hello")
        let context = try fixture.scratch.context()
        let listings = try context.listing(".")
        try fixture.scratch.write("f", "hello world")
        let cache = FingerprintCache(store: fixture.store, context: context)
        let result = try ContentFingerprint(reading: listings, in: context, cache: cache)
        #expect(result.listings[0].entries[0].status.size == 11)
        #expect(result.listings[0].entries[0].contentDigest == SHA256Hasher.digest(of: "hello world"))
        unlink(fixture.scratch.file("f"))
        #expect(throws: BuildContextError.changedWhileRead(Array("f".utf8))) {
            try ContentFingerprint(
                reading: listings,
                in: context,
                cache: FingerprintCache(store: fixture.store, context: context)
            )
        }
        mkfifo(fixture.scratch.file("f"), 0o600)
        #expect(throws: BuildContextError.changedWhileRead(Array("f".utf8))) {
            try ContentFingerprint(reading: listings, in: context, cache: cache)
        }
    }

    @Test("many files are read on two threads with the result of one")
    func many() throws {
        let fixture = try Fixture()
        for number in 0..<300 { try fixture.scratch.write("f\(number)", "content \(number)") }
        let first = try fixture.fingerprint()
        for entry in first.listings[0].entries {
            let number = String(decoding: entry.path.dropFirst(), as: UTF8.self)
            #expect(entry.contentDigest == SHA256Hasher.digest(of: "content \(number)"))
        }
        fixture.settle()
        #expect(try fixture.fingerprint().digest == first.digest)
        #expect(try fixture.fingerprint().digest == first.digest)
    }

    private func setTime(_ path: String, _ nanoseconds: Int64) {
        let time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        var times = [time, time]
        utimensat(AT_FDCWD, path, &times, 0)
    }
}
