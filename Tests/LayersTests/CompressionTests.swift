import ContentStore
import FileSystem
import Glibc
import OCI
import SystemPackage
import Tar
import TestSupport
import Testing

@testable import Layers

@Suite struct CompressionTests {
    static let compressors = ["gzip -c", "bzip2 -c", "xz -c", "zstd -qc", "zstd -qc --long=29"].filter {
        succeeds("command -v \($0.prefix { $0 != " " }) >/dev/null")
    }

    /// Makes `a` of a tar with two files.
    private func archive(_ compressor: String, in directory: FilePath) throws -> [UInt8] {
        let command = """
            cd \(directory) && printf first > one && head -c 200000 /dev/urandom > two &&
            tar -cf - one two | \(compressor) > a
            """
        try #require(succeeds(command))
        return try FileOperations.read(directory.appending("a"))
    }

    /// Reads everything of an archive.
    private func read(_ bytes: [UInt8], in directory: FilePath) throws -> [Int] {
        let path = directory.appending("read")
        try FileOperations.writeAtomically(bytes, to: path, temporary: directory)
        let descriptor = try FileOperations.open(path, O_RDONLY)
        defer { close(descriptor) }
        let isArchive = try ArchiveReader.isArchive(descriptor: descriptor, name: "a")
        try #require(isArchive)
        let reader = try ArchiveReader(descriptor: descriptor, name: "a")
        var sizes: [Int] = []
        while try reader.next() != nil {
            var size = 0
            try reader.readContent { size += $0.count }
            sizes.append(size)
        }
        return sizes
    }

    @Test("an archive that is cut off anywhere is an error, and never taken for something else", arguments: compressors)
    func cutOff(compressor: String) throws {
        try withScratch { directory in
            let bytes = try archive(compressor, in: directory)
            #expect(try read(bytes, in: directory) == [5, 200_000])
            for length in [20, 300, 5000, bytes.count / 2, bytes.count - 9, bytes.count - 1] {
                #expect(throws: LayerError.self, "\(length)") { try read(Array(bytes[..<length]), in: directory) }
            }
        }
    }

    @Test("a changed byte is found by the checksum", arguments: compressors)
    func damaged(compressor: String) throws {
        try withScratch { directory in
            let checked = compressor.replacing("zstd -qc", with: "zstd -qc --check")
            var bytes = try archive(checked, in: directory)
            bytes[bytes.count / 2] ^= 0x10
            #expect(throws: LayerError.self) { try read(bytes, in: directory) }
        }
    }

    @Test("streams behind each other are one", arguments: compressors)
    func severalStreams(compressor: String) throws {
        try withScratch { directory in
            let bytes = try archive("cat", in: directory)
            let place = bytes.count / 3
            try FileOperations.writeAtomically(bytes[..<place], to: directory.appending("1"), temporary: directory)
            try FileOperations.writeAtomically(bytes[place...], to: directory.appending("2"), temporary: directory)
            try #require(succeeds("cd \(directory) && (\(compressor) < 1; \(compressor) < 2) > both"))
            let both = try FileOperations.read(directory.appending("both"))
            #expect(try read(both, in: directory) == [5, 200_000])
            #expect(throws: LayerError.self) { try read(both.dropLast(3), in: directory) }
        }
    }

    @Test("bytes behind a gzip stream that are none do not count, and a skippable frame of zstd is skipped")
    func surroundings() throws {
        try withScratch { directory in
            let gzip = try archive("gzip -c", in: directory)
            for rest in [[0], [UInt8](repeating: 0, count: 700_000), Array("rest".utf8)] {
                #expect(try read(gzip + rest, in: directory) == [5, 200_000])
            }
            guard Self.compressors.contains("zstd -qc") else { return }
            let zstd = try archive("zstd -qc", in: directory)
            #expect(try read([0x52, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3] + zstd, in: directory) == [5, 200_000])
        }
    }

    @Test("a compressed file that is no archive is none, and so is what only begins like one")
    func noArchive() throws {
        try withScratch { directory in
            func isArchive(_ path: String) throws -> Bool {
                let descriptor = try FileOperations.open(directory.appending(path), O_RDONLY)
                defer { close(descriptor) }
                return try ArchiveReader.isArchive(descriptor: descriptor, name: path)
            }
            for compressor in Self.compressors {
                try #require(
                    succeeds("cd \(directory) && seq 100000 | \(compressor) > text && echo a | \(compressor) > short")
                )
                #expect(try !isArchive("text"), "\(compressor)")
                #expect(try !isArchive("short"), "\(compressor)")
            }
            for start: [UInt8] in [[0x1F, 0x8B], [0x1F, 0x8B, 8], Array("BZh9 is how it begins".utf8), []] {
                try FileOperations.writeAtomically(start, to: directory.appending("start"), temporary: directory)
                #expect(try !isArchive("start"), "\(start)")
            }
        }
    }
}
