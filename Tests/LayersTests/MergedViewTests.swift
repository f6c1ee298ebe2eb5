import ContentStore
import Tar
import TestSupport
import Testing

@testable import Layers

@Suite("Merged view")
struct MergedViewTests {
    @Test("shows what applying one layer after the other gives", arguments: 0..<300)
    func model(seed: Int) {
        var random = SeededRandom(seed)
        let layers = (0..<Int.random(in: 1...6, using: &random)).map { _ in
            index((0..<Int.random(in: 0...14, using: &random)).map { _ in randomEntry(&random) })
        }
        let view = MergedView(layers: layers)
        let expected = Model(layers)
        var walked: [Model.Item] = []
        view.walk(.root) { node in
            walked.append(Model.Item(node))
            return true
        }
        #expect(walked == expected.reachable(below: .root))
        for path in Model.universe {
            let node = view.node(at: path)
            #expect(node.map(Model.Item.init) == expected.nodes[path].map(Model.Item.init), "\(path)")
            guard walked.contains(where: { $0.path == path }), node?.entry.kind == .directory else { continue }
            var below: [Model.Item] = []
            view.walk(path) { node in
                below.append(Model.Item(node))
                return true
            }
            #expect(below == expected.reachable(below: path), "\(path)")
            let names = below.filter { $0.path != path && $0.path.parent == path }.map { Array($0.path.name) }
            #expect(view.names(in: path) == names)
        }
    }

    @Test("a whiteout hides nothing that its own layer has below it")
    func whiteoutBesideContents() {
        let removed = LayerEntry(path: PathInRoot("a"), kind: .whiteout, permissions: 0)
        let below = index([file("a/old"), file("b/old")])
        for entries in [[removed, file("a/b/new")], [file("a/b/new"), removed]] {
            let view = MergedView(layers: [below, index(entries)])
            #expect(view.nodes().map { "\($0.entry.path)" } == ["/a", "/a/b", "/a/b/new", "/b", "/b/old"])
        }
        // Removing something below it once more adds nothing.
        let whiteouts = ["b", "b/old", "a/old"].map {
            LayerEntry(path: PathInRoot($0), kind: .whiteout, permissions: 0)
        }
        let view = MergedView(layers: [below, index(whiteouts)])
        #expect(view.nodes().map { "\($0.entry.path)" } == ["/a"])
    }

    @Test("a directory that is not gone into is left out whole")
    func skipping() {
        let view = MergedView(layers: [
            index([file("a/b/c"), file("a-"), file("b")]), index([file("a/b/d"), file("a/e")]),
        ])
        var seen: [String] = []
        view.walk(.root) { node in
            seen.append("\(node.entry.path)")
            return node.entry.path != PathInRoot("a/b")
        }
        #expect(seen == ["/", "/a", "/a/b", "/a/e", "/a-", "/b"])
    }

    @Test("a very deep path is found under parents that hide nothing, and not under one that does")
    func deep() {
        let depth = 2000
        let names = (0..<depth).map { _ in "d" }
        let bottom = names.joined(separator: "/") + "/file"
        let middle = names.prefix(depth / 2).joined(separator: "/")
        var opaque = LayerEntry.directory(PathInRoot(middle))
        opaque.isOpaque = true
        let lower = index([file(bottom)])
        let other = index([file(names.joined(separator: "/") + "/other")])
        var count = 0
        MergedView(layers: [lower, other]).walk(.root) { _ in
            count += 1
            return true
        }
        #expect(count == depth + 3)
        #expect(MergedView(layers: [lower, other]).node(at: PathInRoot(bottom))?.layer == 0)
        #expect(MergedView(layers: [lower, index([opaque]), other]).node(at: PathInRoot(bottom)) == nil)
        #expect(
            MergedView(layers: [lower, index([opaque, file(middle + "/x/y")])]).node(at: PathInRoot(bottom)) == nil
        )
        #expect(MergedView(layers: [lower, index([file(middle)])]).node(at: PathInRoot(bottom)) == nil)
    }

    @Test("of several hundred layers, each name comes from the highest that has it")
    func manyLayers() {
        let layers = (0..<400).map { number in
            index([file("all"), file("own/\(1000 + number)"), file("even/\(number / 2)")])
        }
        var found: [String: Int] = [:]
        MergedView(layers: layers).walk(.root) { node in
            if node.entry.kind == .regular { found["\(node.entry.path)"] = node.layer }
            return true
        }
        #expect(found.count == 1 + 400 + 200)
        #expect(found["/all"] == 399)
        for number in 0..<400 { #expect(found["/own/\(1000 + number)"] == number) }
        for number in 0..<200 { #expect(found["/even/\(number)"] == 2 * number + 1) }
    }

    @Test(
        "names of archives are cleaned, or refused",
        arguments: [
            ("", ""), ("a", "a"), ("a/b", "a/b"), ("./a/", "a"), ("/a//b", "a/b"), ("a/./b", "a/b"), (".", ""),
            ("...", "..."), ("a/..b", "a/..b"), (".a/b.", ".a/b."), ("..", nil), ("a/../b", "b"), ("a/..", ""),
            ("./a/./../b/..", ""), ("a/b/../../c", "c"), ("/a//b/../c/", "a/c"), ("..a/../b..", "b.."), ("../b", nil),
            ("a/../../b", nil), ("a/../../a/b", nil), ("/../b", nil), ("a\0b", nil), ("/\0", nil), ("a/../b\0", nil),
        ] as [(String, String?)]
    )
    func archiveMembers(name: String, expected: String?) {
        #expect(PathInRoot(archiveMember: Array(name.utf8))?.bytes == expected.map { Array($0.utf8) })
        if let expected { #expect(PathInRoot(name).bytes == Array(expected.utf8)) }
    }

    private func randomEntry(_ random: inout SeededRandom) -> LayerEntry {
        let path = Model.universe.randomElement(using: &random) ?? .root
        var entry = LayerEntry.directory(path, modified: Int64.random(in: 1...1000, using: &random))
        if path.isRoot { return entry }
        switch Int.random(in: 0..<10, using: &random) {
        case 0...1: entry.kind = .whiteout
        case 2: entry.isOpaque = true
        case 3...5: entry.kind = .regular
        case 6: entry.kind = .symbolicLink
        default: break
        }
        return entry
    }
}

/// Layers applied one after the other to a plain table of paths (layer.md, "Applying Changesets").
private struct Model {
    struct Item: Equatable {
        let path: PathInRoot
        let kind: LayerEntry.Kind
        let modified: Int64
        let layer: Int

        init(_ node: MergedView.Node) {
            path = node.entry.path
            kind = node.entry.kind
            modified = node.entry.modified
            layer = node.layer
        }
    }

    static let universe: [PathInRoot] = {
        var paths = [PathInRoot.root]
        for depth in 0..<4 {
            for path in paths where path.components.count == depth {
                for name in ["a", "a-", "b"] { paths.append(path.appending(Array(name.utf8))) }
            }
        }
        return paths.sorted()
    }()

    private(set) var nodes: [PathInRoot: MergedView.Node] = [
        .root: MergedView.Node(entry: .directory(.root), layer: 0)
    ]

    init(_ layers: [LayerIndex]) {
        for (number, layer) in layers.enumerated() {
            let entries = (0..<layer.count).map { layer[$0] }
            for entry in entries {
                if entry.kind == .whiteout { nodes[entry.path] = nil }
                guard entry.kind != .directory || entry.isOpaque else { continue }
                for path in nodes.keys where path != entry.path && path.isWithin(entry.path) { nodes[path] = nil }
            }
            for entry in entries where entry.kind != .whiteout {
                if let below = nodes[entry.path]?.entry, entry.isImplied, below.kind == .directory, !below.isImplied {
                    continue
                }
                nodes[entry.path] = MergedView.Node(entry: entry, layer: number)
            }
        }
    }

    /// What a walk comes to: everything whose parents are directories.
    func reachable(below top: PathInRoot) -> [Item] {
        nodes.keys.filter { path in
            path.isWithin(top)
                && (path.isRoot ? [] : [.root] + path.ancestors).allSatisfy {
                    !$0.isWithin(top) || nodes[$0]?.entry.kind == .directory
                }
        }.sorted().compactMap { nodes[$0].map(Item.init) }
    }
}
