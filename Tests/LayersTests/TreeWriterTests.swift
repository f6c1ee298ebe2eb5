import FileSystem
import Glibc
import Layers
import SystemPackage
import Tar
import TestSupport
import Testing

@Suite("Writing files")
struct TreeWriterTests {
    @Test("an attribute that the filesystem refuses is named as such, whatever its reason is called")
    func refusedAttribute() throws {
        try withScratch { root in
            let writer = try TreeWriter(root: root, whiteouts: .none)
            var entry = file("file")
            // No filesystem takes more than 64 KiB.
            entry.extendedAttributes = [
                ExtendedAttribute(name: "user.large", value: Array(repeating: 0, count: 70_000))
            ]
            do {
                try writer.write(entry)
                try writer.finish()
                Issue.record("it was taken")
            } catch LayerError.attributeRefused(let name, let size, let path, _) {
                #expect(name == "user.large" && size == 70_000 && path == root.appending("file"))
            }
        }
    }

    @Test("the root of a tree depends on no umask and on no directory that it is in")
    func root() throws {
        try withScratch { outer in
            chmod(outer.string, 0o2755)
            try FileOperations.createRoot(outer.appending("root"))
            let status = try FileStatus.of(outer.appending("root"))
            #expect(status.permissions == 0o755)
            #expect(status.userID == geteuid() && status.groupID == (geteuid() == 0 ? 0 : getegid()))
            #expect(throws: SystemError.self) { try FileOperations.createRoot(outer.appending("root")) }
        }
    }
}
