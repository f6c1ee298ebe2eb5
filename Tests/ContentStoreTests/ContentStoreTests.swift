import ContentStore
import FileSystem
import Foundation
import Glibc
import OCI
import SystemPackage
import TestSupport
import Testing

@Suite struct ContentStoreTests {
    func withStore(_ body: (Store) throws -> Void) throws { try StoreFixture.with { try body($0.store) } }

    @Test("a blob that was damaged is found and written again")
    func damaged() throws {
        try withStore { store in
            let digest = try store.blobs.write(Array("hello".utf8))
            try FileOperations.writeAtomically(Array("HELLO".utf8), to: store.blobs.path(digest), temporary: store.root)
            #expect(throws: ContentStoreError.damaged(digest)) { try store.blobs.read(digest) }
            #expect(!store.blobs.verify(digest))
            try store.blobs.write(Array("hello".utf8))
            #expect(store.blobs.verify(digest))
        }
    }

    @Test("zeros of a blob count for its digest and take up nothing")
    func sparse() throws {
        try withStore { store in
            let zeros = [UInt8](repeating: 0, count: 1 << 20)
            var writer = try store.blobs.writer()
            for _ in 0..<16 { try zeros.withUnsafeBytes { try writer.write($0) } }
            let digest = try writer.commit()
            #expect(digest == SHA256Hasher.digest(of: [UInt8](repeating: 0, count: 16 << 20)))
            #expect(store.blobs.size(digest) == 16 << 20)
            #expect(store.blobs.verify(digest))
            #expect(DiskUsage.of(store.blobs.path(digest)).total < 1 << 16)
        }
    }

    @Test("on ext4 trees are not all made in the same part of the disk")
    func topDirectory() throws {
        try withStore { store in
            let tool = Process()
            tool.executableURL = URL(fileURLWithPath: "/usr/bin/lsattr")
            tool.arguments = ["-d", store[.temporary].string, store[.snapshots].string, store[.names].string]
            let output = Pipe()
            (tool.standardOutput, tool.standardError) = (output, output)
            guard (try? tool.run()) != nil else { return print("skipped: lsattr is not installed") }
            let lines = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
                .split(separator: "\n").map { $0.prefix { $0 != " " } }
            guard lines.count == 3, lines[0].contains("e") else { return print("skipped: not on ext4") }
            #expect(lines.map { $0.contains("T") } == [true, true, false])
        }
    }

    @Test("what is no file in the place of a blob is damage, and nobody waits for it", arguments: [true, false])
    func strange(isPipe: Bool) throws {
        try withStore { store in
            let digest = SHA256Hasher.digest(of: "hello")
            let path = store.blobs.path(digest)
            #expect(throws: ContentStoreError.missing(digest)) { try store.blobs.read(digest) }
            #expect(path.withPlatformString { isPipe ? mkfifo($0, 0o644) : mkdir($0, 0o755) } == 0)
            #expect(throws: ContentStoreError.damaged(digest)) { try store.blobs.read(digest) }
            #expect(!store.blobs.verify(digest))
            #expect(!store.blobs.holds(Array("hello".utf8), digest))
        }
    }

    @Test("bytes with another digest than promised leave nothing")
    func promised() throws {
        try withStore { store in
            let promised = SHA256Hasher.digest(of: "a")
            var writer = try store.blobs.writer()
            try [UInt8](Array("b".utf8)).withUnsafeBytes { try writer.write($0) }
            do {
                try writer.commit(expecting: promised)
                Issue.record("expected an error")
            } catch ContentStoreError.damaged(let digest) {
                #expect(digest == promised)
            }
            #expect(try FileOperations.names(in: store[.blobs]).isEmpty)
            #expect(try FileOperations.names(in: store[.temporary]).isEmpty)
        }
    }

    @Test("a layout that another tool made is completed")
    func foreignLayout() throws {
        try withStore { store in
            try FileOperations.removeTree(store[.names])
            _ = try Store(root: store.root)
            #expect(FileStatus.ifPresent(store[.names]) != nil)
        }
    }
}
