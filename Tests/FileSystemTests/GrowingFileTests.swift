import FileSystem
import SystemPackage
import TestSupport
import Testing

@Suite("A file that grows")
struct GrowingFileTests {
    @Test("is read as far as it is written, and ends when it is whole")
    func reading() async throws {
        let scratch = try ScratchDirectory()
        defer { withExtendedLifetime(scratch) {} }
        let file = try TemporaryFile(in: scratch.path)
        let growing = GrowingFile()
        try file.write(Array("one two".utf8))
        try growing.begin(file.path)
        // What nobody has told of is not there.
        growing.grew(to: 4)
        var buffer = [UInt8](repeating: 0, count: 9)
        let first = try buffer.withUnsafeMutableBytes { try growing.read($0, at: 1) }
        #expect(first == 3 && buffer.starts(with: "ne ".utf8))
        let more = Task { try await growing.hasBytes(at: 4) }
        growing.grew(to: 9)
        let isMore = try await more.value
        #expect(isMore)
        // A hole at the end has yet to be made.
        let rest = try buffer.withUnsafeMutableBytes { try growing.read($0, at: 4) }
        #expect(rest == 5 && buffer.starts(with: Array("two".utf8) + [0, 0]))
        let end = Task { try await growing.hasBytes(at: 9) }
        growing.finish()
        growing.abandon()
        let isBehindEnd = try await end.value
        #expect(!isBehindEnd)
    }

    @Test("lets nobody wait for what never comes")
    func abandoned() async throws {
        let growing = GrowingFile()
        let bytes = Task { try await growing.hasBytes(at: 0) }
        growing.abandon()
        await #expect(throws: GrowingFile.Abandoned.self) { try await bytes.value }
    }
}
