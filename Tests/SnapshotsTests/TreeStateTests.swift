import FileSystem
import Foundation
import SystemPackage
import Tar
import TestSupport
import Testing

@testable import Snapshots

@Suite("The state of a tree")
final class TreeStateTests {
    private let directory = FilePath(NSTemporaryDirectory()).appending("tree-state-\(UUID().uuidString)")
    private var root: String { directory.string }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    private func write(_ path: String, _ text: String = "") throws {
        let file = "\(root)/\(path)"
        let parent = (file as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    }

    private func change(since before: TreeState) throws -> (changed: [String], removed: [String]) {
        let found = try TreeState(of: directory, since: before).difference(since: before, except: [])
        return (found.changed.map { "\($0)" }.sorted(), found.removed.map { "\($0)" })
    }

    @Test("tells what has changed, what is gone, and where to look")
    func difference() throws {
        for path in ["a/1", "a/2", "a-b", "b/c/d", "b/c/e", "becomes-file/x", "gone/x", "gone/y/z", "same/x"] {
            try write(path, path)
        }
        let before = try TreeState(of: directory)
        let none = before.difference(since: before, except: [])
        #expect(none.changed.isEmpty && none.removed.isEmpty && none.parents.isEmpty)

        try write("a/2", "other")
        try write("a/3")
        try write("new/file")
        chmod("\(root)/b/c", 0o700)
        try FileManager.default.removeItem(atPath: "\(root)/b/c/d")
        try FileManager.default.removeItem(atPath: "\(root)/gone")
        try FileManager.default.removeItem(atPath: "\(root)/becomes-file")
        try write("becomes-file")
        try write("moved")
        let now = try TreeState(of: directory)
        let found = now.difference(since: before, except: [PathInRoot("moved")])
        #expect(found.removed.map { "\($0)" } == ["/b/c/d", "/gone"])
        let changed = ["/a/2", "/a/3", "/b/c", "/becomes-file", "/new", "/new/file"]
        #expect(found.changed.map { "\($0)" }.sorted() == changed)
        #expect(found.parents.map { "\($0)" }.sorted() == ["/a", "/b", "/new"])
    }

    @Test("finds what has changed at every depth, by whichever processor it is looked at")
    func depths() throws {
        let paths = (1...12).flatMap { depth in
            ["x", "y", "z"].map { "top-\($0)/" + (1..<depth).map { "d\($0)/" }.joined() + "file" }
        }
        for path in paths { try write(path, "before") }
        let before = try TreeState(of: directory)
        #expect(try change(since: before) == ([], []))
        for path in paths where path.hasPrefix("top-x") { try write(path, "after") }
        for path in paths where path.hasPrefix("top-y") {
            try FileManager.default.removeItem(atPath: "\(root)/\(path)")
        }
        let found = try change(since: before)
        #expect(found.changed == paths.filter { $0.hasPrefix("top-x") }.map { "/\($0)" }.sorted())
        #expect(Set(found.removed) == Set(paths.filter { $0.hasPrefix("top-y") }.map { "/\($0)" }))
    }

    @Test("tells a directory whose attributes, mode or inode changed from one in which only names did")
    func directories() throws {
        for name in ["attribute", "mode", "names", "new", "spare"] { try write("\(name)/file") }
        func setAttribute(_ value: String) throws {
            let file = try OwnedDescriptor(directory.appending("attribute"), O_RDONLY | O_DIRECTORY)
            try #require(ExtendedAttribute(name: "user.test", value: Array(value.utf8)).set(on: file.rawValue))
        }
        let before = try TreeState(of: directory)
        try write("attribute/another")
        try setAttribute("1")
        chmod("\(root)/mode", 0o711)
        try write("names/another")
        // One that is made anew may get the inode of the one before.
        try FileManager.default.removeItem(atPath: "\(root)/new")
        try FileManager.default.moveItem(atPath: "\(root)/spare", toPath: "\(root)/new")
        let now = try TreeState(of: directory, since: before)
        let changed = now.difference(since: before, except: []).changed.map { "\($0)" }.sorted()
        let expected = ["/attribute", "/attribute/another", "/mode", "/names/another", "/new", "/new/file"]
        #expect(changed == expected)
        // What is known of the attributes is not looked at again, and is not forgotten.
        #expect(try change(since: now) == ([], []))
        try setAttribute("2")
        #expect(try change(since: now) == (["/attribute"], []))
    }

    @Test("has no sockets: one in a file's place is a file that is gone")
    func sockets() throws {
        try write("a/file")
        let before = try TreeState(of: directory)
        try FileManager.default.removeItem(atPath: "\(root)/a/file")
        #expect(mknod("\(root)/a/file", S_IFSOCK | 0o644, 0) == 0)
        #expect(try change(since: before) == ([], ["/a/file"]))
    }
}
