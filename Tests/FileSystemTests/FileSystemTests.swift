import FileSystem
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite struct FileSystemTests {
    @Test("a file is replaced whole, and a dropped one leaves nothing")
    func atomic() throws {
        try withScratch { directory in
            try FileOperations.writeAtomically([1], to: directory.appending("f"), temporary: directory)
            try FileOperations.writeAtomically([2, 3], to: directory.appending("f"), temporary: directory)
            #expect(try FileOperations.read(directory.appending("f")) == [2, 3])
            do { try TemporaryFile(in: directory).write([9]) }
            #expect(try FileOperations.names(in: directory) == [Array("f".utf8)])
            #expect(throws: SystemError.self) { try FileOperations.read(directory.appending("f"), limit: 1) }
        }
    }

    @Test("a tree is removed with names that are not UTF-8, closed directories and links, which are not followed")
    func removeTree() throws {
        try withScratch { directory in
            #expect(
                system(
                    "cd \(directory) && mkdir -p t/x/y keep && touch keep/f && ln -s ../keep t/link && touch \"$(printf 't/x/\\377')\" && chmod 0 t/x/y"
                ) == 0
            )
            try FileOperations.removeTree(directory.appending("t"))
            #expect(try FileOperations.names(in: directory) == [Array("keep".utf8)])
            #expect(try FileOperations.names(in: directory.appending("keep")).count == 1)
            let odd = FilePath(platformString: directory.string.utf8.map { CChar(bitPattern: $0) } + [0x2F, -1, 0])
            try FileOperations.createDirectories(odd)
            try FileOperations.removeTree(odd)
            #expect(FileStatus.ifPresent(odd) == nil)
        }
    }

    @Test("locks exclude within one process and end with their value")
    func locks() throws {
        try withScratch { directory in
            let path = directory.appending("lock")
            do {
                let held = try FileLock.acquire(path, .exclusive)
                #expect(try FileLock.tryAcquire(path, .shared) == nil)
                _ = held
            }
            #expect(try FileLock.tryAcquire(path, .exclusive) != nil)
        }
    }
}
