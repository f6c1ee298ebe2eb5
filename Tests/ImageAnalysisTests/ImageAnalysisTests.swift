import ContentStore
import Layers
import OCI
import Tar
import TestSupport
import Testing

@testable import ImageAnalysis

@Suite("Analysis of an image")
struct ImageAnalysisTests {
    private func analyze(_ layers: [[LayerEntry]], history: [ImageConfiguration.HistoryEntry] = []) -> ImageAnalysis {
        let view = MergedView(layers: layers.map(index))
        return ImageAnalysis(view, diffIDs: view.layers.map(\.diffID), history: history)
    }

    @Test("finds the wasted bytes of an image in which each of them is known")
    func knownWaste() {
        let layers: [[LayerEntry]] = [
            [file("a", size: 100), file("dir/b", size: 200), file("dir/c", size: 300), file("keep", size: 50)],
            [file("a", size: 10), whiteout("dir/b"), hardLink("link", to: "big"), file("big", size: 1000)],
            [whiteout("dir"), file("new", size: 7), whiteout("big")],
        ]
        let history: [ImageConfiguration.HistoryEntry] = [
            .init(created: nil, createdBy: "COPY . / # buildkit"),
            .init(created: nil, createdBy: "ENV a=b", emptyLayer: true),
            .init(created: nil, createdBy: "RUN |1 A=x y /bin/sh -c rm dir/b # buildkit"),
        ]
        let analysis = analyze(layers, history: history)
        #expect(analysis.bytes == 650 + 1010 + 7)
        // `big` is still there as `link`.
        #expect(analysis.wastedBytes == 100 + 200 + 300)
        #expect(analysis.layers.map { layer in layer.rows(depth: 1).reduce(0) { $0 + $1.bytes } } == [650, 1010, 7])
        #expect(analysis.layers.map(\.sizes.bytes) == [650, 1010, 7])
        #expect(analysis.layers[0].sizes.wastedBytes == 600)
        #expect(
            analysis.layers[0].sizes.children.map { String(decoding: $0.name, as: UTF8.self) } == ["dir", "a", "keep"]
        )
        #expect(analysis.layers[0].sizes.children[0].children.map(\.bytes) == [300, 200])
        #expect(analysis.layers.map(\.wastedBytes) == [600, 0, 0])
        #expect(analysis.layers.map(\.hiddenBytes) == [0, 300, 300])
        #expect(analysis.layers.map { $0.history?.instruction } == ["COPY . /", "RUN rm dir/b", nil])
        #expect(
            analysis.hiddenFiles == [
                HiddenFile(path: PathInRoot("dir/c"), size: 300, layer: 0, hidingLayer: 2),
                HiddenFile(path: PathInRoot("dir/b"), size: 200, layer: 0, hidingLayer: 1),
                HiddenFile(path: PathInRoot("a"), size: 100, layer: 0, hidingLayer: 1),
            ]
        )
        #expect(analysis.efficiency == Double(10 + 0 + 0 + 50 + 0 + 7) / Double(110 + 200 + 300 + 50 + 1000 + 7))
    }

    @Test("a hard link that goes last takes the content along")
    func lastName() {
        let analysis = analyze([
            [file("first", size: 10), hardLink("second", to: "first")], [whiteout("first")], [whiteout("second")],
        ])
        #expect(
            analysis.hiddenFiles == [HiddenFile(path: PathInRoot("first"), size: 10, layer: 0, hidingLayer: 2)]
        )
    }

    @Test("a layer's tree has each path once, and counts what lies deeper in its parents")
    func tree() {
        var directory = LayerEntry.directory(PathInRoot("dir"))
        directory.permissions = 0o700
        let analysis = analyze([
            [file("dir/sub/deep/x", size: 5), file("dir/y", size: 6), .directory(PathInRoot("same"))],
            [
                directory, file("dir/sub/deep/x", 0o600, size: 5), whiteout("dir/y"),
                .directory(PathInRoot("same")),
            ],
        ])
        func rows(_ depth: Int) -> [String] {
            analysis.layers[1].rows(depth: depth).map { row in
                let kind =
                    switch row.kind {
                    case .added: "+"
                    case .changed(let attributes): "~\(attributes.map(\.rawValue).joined(separator: ","))"
                    case .removed: "-"
                    case nil: ""
                    }
                return
                    "\(row.path) \(kind) +\(row.added) ~\(row.changed) -\(row.removed) \(row.bytes) \(row.hiddenBytes)"
            }
        }
        #expect(rows(0) == [])
        #expect(rows(1) == ["/dir ~mode +0 ~1 -1 5 11"])
        #expect(
            rows(9) == [
                "/dir ~mode +0 ~1 -1 5 11", "/dir/sub  +0 ~1 -0 5 5", "/dir/sub/deep  +0 ~1 -0 5 5",
                "/dir/sub/deep/x ~mode +0 ~1 -0 5 5", "/dir/y - +0 ~0 -1 0 6",
            ]
        )
    }

    @Test("an image without layers, or without bytes, wastes nothing")
    func empty() {
        for layers in [[], [[]], [[file("a")], [file("a")]]] as [[[LayerEntry]]] {
            #expect(analyze(layers).efficiency == 1)
            #expect(analyze(layers).wastedBytes == 0)
        }
    }

    @Test("is what applying one layer after the other gives", arguments: 0..<300)
    func model(seed: Int) {
        var random = SeededRandom(seed)
        let layers = (0..<Int.random(in: 1...6, using: &random)).map { _ in
            index(Model.randomLayer(&random))
        }
        let view = MergedView(layers: layers)
        let analysis = ImageAnalysis(view, diffIDs: layers.map(\.diffID), history: [])
        let model = Model(layers)
        #expect(analysis.layers.map { $0.changes.map(Model.line) } == model.changes)
        let seen = Set(
            view.nodes().compactMap { view.file(of: $0) }.map { Model.Place(layer: $0.layer, path: $0.entry.path) }
        )
        let unseen = layers.enumerated().flatMap { layer, index in
            (0..<index.count).map { index[$0] }.filter { $0.kind == .regular }
                .map { (place: Model.Place(layer: layer, path: $0.path), size: $0.size) }
        }.filter { !seen.contains($0.place) }
        let hidden = analysis.hiddenFiles.map { Model.Place(layer: $0.layer, path: $0.path) }
        #expect(Set(hidden) == Set(unseen.map(\.place)))
        #expect(hidden.count == unseen.count)
        #expect(analysis.wastedBytes == unseen.reduce(0) { $0 + $1.size })
        #expect(analysis.layers.reduce(0) { $0 + $1.wastedBytes } == analysis.wastedBytes)
        #expect(analysis.layers.reduce(0) { $0 + $1.hiddenBytes } == analysis.wastedBytes)
    }

    @Test("the efficiency is dive's where no directory is removed", arguments: 0..<100)
    func dive(seed: Int) {
        var random = SeededRandom(seed)
        // Files and whiteouts of files only, each whiteout of something that is there.
        var (layers, present): ([[LayerEntry]], Set<String>) = ([], [])
        for _ in 0..<Int.random(in: 1...5, using: &random) {
            var layer: [String: LayerEntry] = [:]
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let name = "d\(Int.random(in: 0...2, using: &random))/f\(Int.random(in: 0...4, using: &random))"
                guard layer[name] == nil else { continue }
                if present.contains(name), Bool.random(using: &random) {
                    layer[name] = whiteout(name)
                    present.remove(name)
                } else {
                    layer[name] = file(name, size: Int64.random(in: 0...1000, using: &random))
                    present.insert(name)
                }
            }
            layers.append(Array(layer.values))
        }
        // dive/filetree/efficiency.go: every leaf of every layer's own tree, by path.
        var sizes: [PathInRoot: [Int64]] = [:]
        for entry in layers.joined() { sizes[entry.path, default: []].append(entry.size) }
        let least = sizes.values.reduce(0) { $0 + ($1.min() ?? 0) }
        let all = sizes.values.reduce(0) { $0 + $1.reduce(0, +) }
        #expect(analyze(layers).efficiency == (all == 0 ? 1 : Double(least) / Double(all)))
    }
}
