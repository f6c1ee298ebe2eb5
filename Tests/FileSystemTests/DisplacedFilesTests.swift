import FileSystem
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite("Files that are elsewhere while a process runs")
struct DisplacedFilesTests {
    /// A directory that is lent, and one with the list of what has been moved.
    private func withDirectories(_ body: (_ origin: FilePath, _ work: FilePath) throws -> Void) throws {
        try withScratch { scratch in
            let (origin, work) = (scratch.appending("origin"), scratch.appending("work"))
            for path in [origin, work] { try FileOperations.createRoot(path) }
            try write("kept", origin.appending("file"))
            try body(origin, work)
        }
    }

    private func write(_ text: String, _ path: FilePath) throws {
        try FileOperations.writeAtomically(Array(text.utf8), to: path, temporary: path.removingLastComponent())
    }

    private func text(_ path: FilePath) -> String? {
        (try? FileOperations.read(path)).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("a directory is seen where it belongs while it is lent, and comes back with what was written to it")
    func lent() throws {
        try withDirectories { origin, work in
            let place = work.appending("place")
            try LentDirectory.lend(origin, to: place)
            #expect(LentDirectory.place(of: origin) == place && FileStatus.ifPresent(place)?.kind == .directory)
            #expect(text(origin.appending("file")) == "kept")
            try write("new", place.appending("other"))
            try LentDirectory.takeBack(origin)
            #expect(FileStatus.ifPresent(origin)?.kind == .directory && FileStatus.ifPresent(place) == nil)
            #expect(text(origin.appending("other")) == "new" && LentDirectory.place(of: origin) == nil)
            // Once more changes nothing.
            try LentDirectory.takeBack(origin)
            #expect(text(origin.appending("file")) == "kept")
        }
    }

    @Test("a directory that was removed by its borrower is empty")
    func lost() throws {
        try withDirectories { origin, work in
            try LentDirectory.lend(origin, to: work.appending("place"))
            try FileOperations.removeTree(work.appending("place"))
            try LentDirectory.takeBack(origin)
            #expect(try FileOperations.names(in: origin).isEmpty)
        }
    }

    @Test("everything is put back from the list alone, whatever its paths are called, and once")
    func restored() throws {
        try withDirectories { origin, work in
            let places = ["a", "b c\n", "ä"].map { work.appending($0) }
            for place in places { try write("covered", place) }
            let single = origin.removingLastComponent().appending("single")
            try write("single", single)
            let made = work.appending("made")
            do {
                let list = try DisplacedFiles(in: work)
                for (number, place) in places.enumerated() {
                    try list.putAside(place, as: work.appending("aside-\(number)"))
                }
                try list.borrow(origin, to: places[0])
                try list.borrow(single, to: places[1])
                try write("shown", places[2])
                try list.make(made)
                try write("shown", made)
            }
            #expect(text(places[0].appending("file")) == "kept")
            #expect(try DisplacedFiles.restore(in: work) == Set(places))
            #expect(places.map(text) == ["covered", "covered", "covered"])
            #expect(text(origin.appending("file")) == "kept" && text(single) == "single")
            #expect(FileStatus.ifPresent(made) == nil)
            #expect(try FileOperations.names(in: work).count == 3)
            #expect(try DisplacedFiles.restore(in: work).isEmpty)
        }
    }

    @Test("what cannot go back is not removed with the directory that it is in")
    func stuck() throws {
        try withDirectories { origin, work in
            let parent = work.appending("parent")
            let (lent, moved) = (parent.appending("lent"), work.appending("lent"))
            try FileOperations.createRoot(parent)
            try FileOperations.rename(origin, to: lent)
            let place: FilePath = try {
                let directory = try TemporaryDirectory(in: work)
                let place = directory.path.appending("place")
                try DisplacedFiles(in: directory.path).borrow(lent, to: place)
                try FileOperations.rename(parent, to: moved)
                #expect(throws: SystemError.self) { try DisplacedFiles.restore(in: directory.path) }
                return place
            }()
            #expect(text(place.appending("file")) == "kept")
            // Once it can go back, it does, and the directory is removed.
            try FileOperations.rename(moved, to: parent)
            TemporaryDirectory.sweep(work, of: getpid())
            #expect(text(lent.appending("file")) == "kept" && FileStatus.ifPresent(place) == nil)
        }
    }

    @Test("what another has taken back is left alone")
    func takenBack() throws {
        try withDirectories { origin, work in
            try DisplacedFiles(in: work).borrow(origin, to: work.appending("place"))
            try LentDirectory.takeBack(origin)
            try DisplacedFiles.restore(in: work)
            #expect(text(origin.appending("file")) == "kept")
        }
    }

    @Test("the list of a killed program that was never finished is none")
    func unfinished() throws {
        try withDirectories { origin, work in
            for bytes in [[], [0x62], Array("b/nowhere".utf8), Array("x/a\0/b\0".utf8), Array("b/a\0/b\0m".utf8)] {
                try FileOperations.writeAtomically(bytes, to: work.appending("displaced"), temporary: work)
                #expect(try DisplacedFiles.restore(in: work).isEmpty)
            }
            #expect(text(origin.appending("file")) == "kept")
        }
    }
}
