import FileSystem
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite struct SparseWriterTests {
    private func withFiles(_ body: (FilePath, FilePath) throws -> Void) throws {
        try withScratch { try body($0.appending("one"), $0.appending("other")) }
    }

    private func write(_ pieces: [[UInt8]], to path: FilePath) throws {
        let descriptor = try FileOperations.open(path, O_RDWR | O_CREAT | O_EXCL, 0o644)
        defer { close(descriptor) }
        var writer = SparseWriter(descriptor: descriptor, path: path)
        for piece in pieces { try piece.withUnsafeBytes { try writer.write($0) } }
        #expect(writer.count == pieces.reduce(0) { $0 + Int64($1.count) })
        try writer.finish()
    }

    static let zeros = [UInt8](repeating: 0, count: 1 << 18)
    static let contents: [[[UInt8]]] = [
        [],
        [[1]],
        [zeros],
        [[1], zeros, [2]],
        [zeros, [1], zeros, zeros],
        [[UInt8](repeating: 7, count: 4095), zeros, [UInt8](repeating: 8, count: 10000), zeros],
        // Too short to be worth a hole, and zeros in pieces of every size.
        [[1], [UInt8](repeating: 0, count: 10000), [2]],
        (0..<200).map { [UInt8](repeating: 0, count: $0 * 37) },
    ]

    @Test("what is written is what is read, and many zeros take up nothing", arguments: contents)
    func written(_ pieces: [[UInt8]]) throws {
        try withFiles { path, _ in
            try write(pieces, to: path)
            #expect(try FileOperations.read(path) == pieces.reduce(into: []) { $0 += $1 })
            if pieces.contains(Self.zeros) { #expect(DiskUsage.of(path).total < 1 << 16) }
        }
    }

    @Test("a copy from any place to any other has the holes of its source", arguments: [0, 512, 4096, 5000])
    func copied(_ start: Int) throws {
        try withFiles { path, target in
            let content = [UInt8](repeating: 5, count: 20000) + [UInt8](repeating: 0, count: 1 << 20) + [6] + Self.zeros
            try write([content], to: path)
            let source = try FileOperations.open(path, O_RDONLY)
            let file = try FileOperations.open(target, O_RDWR | O_CREAT | O_EXCL, 0o644)
            defer { for descriptor in [source, file] { close(descriptor) } }
            let size = Int64(content.count - start)
            func copy(_ size: Int64) throws -> Int64 {
                try FileOperations.copySparsely(from: source, offset: Int64(start), size: size, to: file, path: path)
            }
            #expect(try copy(size) == size)
            #expect(try FileOperations.read(target) == Array(content[start...]))
            #expect(DiskUsage.of(target).total < 1 << 16)
            // What the source does not have is not made up.
            #expect(ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0)
            #expect(try copy(size + 100_000) == size)
        }
    }
}
