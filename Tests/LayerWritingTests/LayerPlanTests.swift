import ContentStore
import Layers
import Tar
import TestSupport
import Testing

@testable import LayerWriting

extension StoreFixture {
    fileprivate func plan(over stack: [Layer] = []) throws -> LayerPlan {
        LayerPlan(view: try LayerStack(stack, in: layers).view, latestTime: nil) { .directory($0, modified: 7) }
    }

    fileprivate func write(_ plan: LayerPlan, like earlier: Layer? = nil) throws -> Layer {
        let writer = try layers.writer(expectedCount: plan.count)
        try LayerAssembly(plan, nil, earlier.map { try EarlierLayer($0, in: layers) }).write(to: writer)
        return try writer.finish()
    }

    /// Every path of the layer of a plan.
    fileprivate func listing(_ plan: LayerPlan) throws -> [String] {
        let index = try layers.index(of: write(plan))
        return (0..<index.count).map { "\(index[$0].kind) \(String(decoding: index[$0].path.bytes, as: UTF8.self))" }
    }
}

private func item(_ path: String, _ text: String) -> CopyItem {
    CopyItem(entry: file(path, size: Int64(text.utf8.count)), content: .bytes(Array(text.utf8)))
}

/// One file as a source.
private func single(_ name: String) -> CopyRoot {
    CopyRoot(name: Array(name.utf8), isDirectory: false, items: .list([item(name, "x")]))
}

private func tree(_ items: [CopyItem], isArchive: Bool = false) -> CopyRoot {
    CopyRoot(name: [], isDirectory: true, items: .list(items), isArchive: isArchive)
}

@Suite("Writing a layer")
struct LayerPlanTests {
    @Test(
        "a file goes to a path, or into a directory under its name; missing directories are made",
        arguments: [
            ("a/b", false, ["directory a", "regular a/b"]),
            ("a", true, ["directory a", "regular a/f"]),
            ("", false, ["regular f"]),
        ]
    )
    func destinations(path: String, isDirectory: Bool, expected: [String]) throws {
        try StoreFixture.with { f in
            var plan = try f.plan()
            try plan.copy(single("f"), AttributeChange(), to: PathInRoot(path), isDirectory: isDirectory)
            #expect(try f.listing(plan) == expected)
        }
    }

    @Test("what is below decides where a path leads, and is not written again")
    func below() throws {
        try StoreFixture.with { f in
            var base = try f.plan()
            let link = CopyItem(entry: symbolicLink("link", to: "d"))
            try base.copy(
                tree([CopyItem(entry: directory("d")), item("d/old", "1"), link]),
                AttributeChange(),
                to: .root,
                isDirectory: true
            )
            var plan = try f.plan(over: [f.write(base)])
            try plan.copy(single("f"), AttributeChange(), to: PathInRoot("link"), isDirectory: false)
            #expect(try f.listing(plan) == ["directory d", "regular d/f"])
        }
    }

    @Test("a copied file is in the way of a directory, and what an archive brings is not")
    func conflicts() throws {
        try StoreFixture.with { f in
            var plan = try f.plan()
            try plan.copy(single("f"), AttributeChange(), to: PathInRoot("f"), isDirectory: false)
            #expect(throws: LayerPlan.Conflict.self) {
                try plan.copy(single("g"), AttributeChange(), to: PathInRoot("f/g"), isDirectory: false)
            }
            #expect(throws: LayerPlan.Conflict.self) {
                try plan.copy(single(".wh.x"), AttributeChange(), to: .root, isDirectory: true)
            }
            let archive = tree([CopyItem(entry: directory("f")), item("f/g", "2")], isArchive: true)
            try plan.unpack(archive, AttributeChange(), into: .root)
            #expect(try f.listing(plan) == ["directory f", "regular f/g"])
        }
    }

    @Test("attributes are changed on the way, those of links only in part")
    func attributes() throws {
        try StoreFixture.with { f in
            var plan = try f.plan()
            let change = AttributeChange(userID: 5) { old, isDirectory in isDirectory ? 0o700 : old & 0o600 }
            let link = CopyItem(entry: symbolicLink("l", to: "f"))
            try plan.copy(tree([item("f", "1"), link]), change, to: .root, isDirectory: true)
            let index = try f.layers.index(of: f.write(plan))
            #expect(index[0].permissions == 0o600 && index[0].userID == 5)
            #expect(index[1].permissions == 0o777 && index[1].userID == 5)
        }
    }

    @Test("a layer that shares files with an earlier one is the same as one written alone")
    func earlierLayer() throws {
        try StoreFixture.with { f in
            func plan(_ changed: String) throws -> LayerPlan {
                var plan = try f.plan()
                let items = (0..<2000).map { number -> CopyItem in
                    let text = number == 1000 ? changed : "\(number)"
                    var item = item("f\(10000 + number)", text)
                    item.entry.contentDigest = SHA256Hasher.digest(of: Array(text.utf8))
                    return item
                }
                try plan.copy(tree(items), AttributeChange(), to: .root, isDirectory: true)
                return plan
            }
            let first = try f.write(plan("before"))
            let second = try f.write(plan("after"), like: first)
            #expect(second.diffID != first.diffID)
            #expect(try f.write(plan("after")).diffID == second.diffID)
        }
    }
}
