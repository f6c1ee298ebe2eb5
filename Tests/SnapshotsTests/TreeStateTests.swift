import FileSystem
import Foundation
import SystemPackage
import Tar
import TestSupport
import Testing

@testable import Snapshots

@Suite("The state of a tree")
struct TreeStateTests {
    @Test("tells what has changed, what is gone, and where to look")
    func difference() throws {
        let directory = FilePath(NSTemporaryDirectory()).appending("tree-state-\(UUID().uuidString)")
        let root = directory.string
        defer { try? FileManager.default.removeItem(atPath: root) }
        func write(_ path: String, _ text: String = "") throws {
            let file = "\(root)/\(path)"
            let parent = (file as NSString).deletingLastPathComponent
            try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        }
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
}
