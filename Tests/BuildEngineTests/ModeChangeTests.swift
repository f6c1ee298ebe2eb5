import BuildPlanning
import FileSystem
import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite("A mode for --chmod")
struct ModeChangeTests {
    static let texts = [
        "755", "0644", "777", "0", "u=rwX,go=rX", "+x", "-w", "a=rx", "=", "u=", "o=rx", "go-rwx", "u=g", "g=u", "o=g",
        "u+x-w", "a+X", "ug=rw,o=", "go=u", "a=rwx", "u=rw,+X", "g=u,u=o", "a-X",
    ]

    @Test("does to files and directories what chmod(1) does, but for their special bits", arguments: texts)
    func likeChmod(text: String) throws {
        let scratch = try ScratchDirectory()
        try scratch.write("f")
        try FileOperations.createDirectories(scratch.path.appending("d"))
        let mode = try #require(ModeChange(text))
        for (name, isDirectory) in [("f", false), ("d", true)] {
            // An octal mode sets all bits here, where chmod(1) keeps some of a directory.
            if isDirectory, text.allSatisfy(\.isNumber) { continue }
            for before: UInt16 in [0, 0o644, 0o755, 0o777, 0o711, 0o200, 0o050] {
                let path = scratch.file(name)
                try #require(chmod(path, mode_t(before)) == 0)
                try #require(system("umask 0; chmod '\(text)' \(path)") == 0)
                let after = try FileStatus.of(FilePath(path)).permissions
                #expect(
                    mode.applied(to: before, isDirectory: isDirectory) == after,
                    "\(name) \(String(before, radix: 8))"
                )
            }
        }
    }

    @Test(
        "does to special bits what chmod(1) of the BSDs does",
        arguments: [
            ("a=r", 0o2755, 0o444), ("a=r", 0o3755, 0o1444), ("a=r", 0o7777, 0o1444), ("=", 0o7777, 0o1000),
            ("u=rwx", 0o6755, 0o2755), ("u=", 0o4755, 0o055), ("go=rx", 0o7777, 0o5755), ("g=u", 0o4710, 0o4770),
            ("o+t", 0o755, 0o755), ("u+t", 0o755, 0o1755), ("+t", 0o755, 0o1755), ("-t", 0o1777, 0o777),
            ("o+s", 0o755, 0o755), ("u+s", 0o755, 0o4755), ("g+s", 0o755, 0o2755), ("+s", 0o755, 0o6755),
            ("a-s", 0o7755, 0o1755), ("u-s", 0o6755, 0o2755), ("ug=rws,o=", 0o1777, 0o7660),
            ("a=rwxst", 0o000, 0o7777), ("4755", 0o000, 0o4755), ("7777", 0o644, 0o7777),
        ] as [(String, UInt16, UInt16)]
    )
    func specialBits(text: String, before: UInt16, after: UInt16) throws {
        let mode = try #require(ModeChange(text))
        for isDirectory in [false, true] {
            let result = mode.applied(to: before, isDirectory: isDirectory)
            #expect(result == after, "\(String(result, radix: 8))")
        }
    }

    @Test(
        "leaves directories that are made without special bits, and a symbolic one leaves them alone",
        arguments: [
            ("755", 0o755), ("4711", 0o711), ("1777", 0o777), ("0", 0), ("u=rw,go=r", 0o755), ("+t", 0o755),
        ] as [(String, UInt16)]
    )
    func newDirectories(text: String, permissions: UInt16) { #expect(ModeChange(text)?.ofNewDirectory == permissions) }

    @Test(
        "is refused when it means nothing",
        arguments: ["", "8", "10000", "77777", "x", "u", "u+q", "+x,", ",", "u=rw;", "-1", "٧"]
    )
    func refused(text: String) { #expect(ModeChange(text) == nil) }
}
