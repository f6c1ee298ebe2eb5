import Tar
import TestSupport

@testable import ImageAnalysis
@testable import Layers

/// Layers applied one after the other to a dictionary, as the image specification tells it.
struct Model {
    struct Place: Hashable {
        let layer: Int
        let path: PathInRoot
    }

    /// For each layer, one line for each change, in the order of paths.
    private(set) var changes: [[String]] = []

    init(_ layers: [LayerIndex]) {
        let view = MergedView(layers: layers)
        var tree: [PathInRoot: MergedView.Node] = [:]
        for (layer, index) in layers.enumerated() {
            let before = tree
            let entries = (0..<index.count).map { index[$0] }
            for entry in entries where entry.kind == .whiteout || entry.kind != .directory || entry.isOpaque {
                tree = tree.filter {
                    !$0.key.isWithin(entry.path) || ($0.key == entry.path && entry.kind == .directory)
                }
            }
            for entry in entries where entry.kind != .whiteout {
                if entry.kind == .directory, entry.isImplied, tree[entry.path]?.entry.kind == .directory { continue }
                tree[entry.path] = MergedView.Node(entry: entry, layer: layer)
            }
            changes.append(
                Set(before.keys).union(tree.keys).sorted().compactMap { path in
                    Model.change(view, path, before[path], tree[path])
                }
            )
        }
    }

    private static func change(
        _ view: MergedView,
        _ path: PathInRoot,
        _ before: MergedView.Node?,
        _ after: MergedView.Node?
    ) -> String? {
        switch (before, after) {
        case (nil, nil): return nil
        case (nil, _?): return "+ \(path)"
        case (_?, nil): return "- \(path)"
        case (let before?, let after?):
            if before.layer == after.layer { return nil }
            let (old, new) = (view.withAttributes(before), view.withAttributes(after))
            var names: [String] = []
            if old.kind != new.kind { names.append("type") }
            if old.kind == new.kind, old.kind == .regular, old.size != new.size { names.append("content") }
            if old.permissions != new.permissions { names.append("mode") }
            return names.isEmpty && new.kind == .directory ? nil : "~ \(path) \(names)"
        }
    }

    static func line(_ change: LayerChange) -> String {
        switch change.kind {
        case .added: "+ \(change.path)"
        case .removed: "- \(change.path)"
        case .changed(let attributes): "~ \(change.path) \(attributes.map(\.rawValue))"
        }
    }

    /// Entries in which nothing lies below what is no directory, but for whiteouts.
    static func randomLayer(_ random: inout SeededRandom) -> [LayerEntry] {
        var layer: [PathInRoot: LayerEntry] = [:]
        for _ in 0..<Int.random(in: 0...12, using: &random) {
            let entry = randomEntry(&random)
            let isClosed = entry.path.ancestors.contains { parent in
                layer[parent].map { $0.kind != .directory && $0.kind != .whiteout } ?? false
            }
            let closes = entry.kind != .directory && entry.kind != .whiteout
            if isClosed || (closes && layer.keys.contains { $0.isWithin(entry.path) }) { continue }
            layer[entry.path] = entry
        }
        return layer.values.sorted { $0.path < $1.path }
    }

    private static func randomEntry(_ random: inout SeededRandom) -> LayerEntry {
        let depth = Int.random(in: 1...3, using: &random)
        let path = (0..<depth).map { _ in ["a", "b", "c"].randomElement(using: &random) ?? "a" }.joined(separator: "/")
        switch Int.random(in: 0...9, using: &random) {
        case 0...3:
            let size = Int64.random(in: 0...3, using: &random)
            return file(path, Bool.random(using: &random) ? 0o644 : 0o600, size: size)
        case 4...5: return whiteout(path)
        case 6: return hardLink(path, to: ["a", "b", "a/b", "c/a"].randomElement(using: &random) ?? "a")
        default:
            var directory = LayerEntry.directory(PathInRoot(path))
            directory.isOpaque = Int.random(in: 0...3, using: &random) == 0
            return directory
        }
    }
}
