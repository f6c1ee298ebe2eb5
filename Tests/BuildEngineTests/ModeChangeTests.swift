import BuildPlanning
import FileSystem
import Foundation
import Glibc
import SystemPackage
import Testing

@Suite("A mode for --chmod")
struct ModeChangeTests {
    static let texts = [
        "755", "0644", "7777", "0", "u=rwX,go=rX", "+x", "-w", "a=rx", "u+s", "g+s", "o+t", "u+t", "+t", "a-s", "=",
        "u=",
        "o=rx", "go-rwx", "u=g", "g=u", "o=g", "u+x-w", "a+X", "ug=rws,o=", "go=u", "a=rwxst", "u=rw,+X", "g=u,u=o",
    ]

    @Test("does to files and directories what chmod(1) does", arguments: texts)
    func likeChmod(text: String) throws {
        let directory = FilePath("/var/tmp/swiftbuild-mode-\(getpid())-\(UInt64.random(in: 0 ... .max))")
        try FileOperations.createDirectories(directory.appending("d"))
        defer { try? FileOperations.removeTree(directory) }
        try #require(FileManager.default.createFile(atPath: directory.appending("f").string, contents: nil))
        let mode = try #require(ModeChange(text))
        for (name, isDirectory) in [("f", false), ("d", true)] {
            // An octal mode sets all bits here, where chmod(1) keeps some of a directory.
            if isDirectory, text.allSatisfy(\.isNumber) { continue }
            for before: UInt16 in [0, 0o644, 0o755, 0o1777, 0o2755, 0o4711, 0o7777, 0o200, 0o050] {
                let path = directory.appending(name).string
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
        "is refused when it means nothing",
        arguments: ["", "8", "10000", "77777", "x", "u", "u+q", "+x,", ",", "u=rw;", "-1", "٧"]
    )
    func refused(text: String) { #expect(ModeChange(text) == nil) }
}
