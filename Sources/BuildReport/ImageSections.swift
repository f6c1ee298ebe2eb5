internal import BuildRecords
internal import Formatting
internal import ImageAnalysis
internal import Layers
internal import OCI
internal import Reporting

/// What is in the image: its layers, what is wasted, and how it runs.
struct ImageSections {
    private let image: BuildReport.Image
    /// The lines of the Dockerfile that made the layers.
    private let lines: [Int?]
    private var analysis: ImageAnalysis { image.analysis }

    /// More rectangles than this cannot be told apart.
    private static let mapLimit = 40
    private static let listLimit = 20

    init(_ image: BuildReport.Image, _ record: BuildRecord?) {
        self.image = image
        let layers = image.analysis.layers.map(\.diffID)
        lines = record?.lines(ofLayers: layers) ?? layers.map { _ in nil }
    }

    var sections: [PageSection] {
        [
            PageSection(id: "layers", title: "Layers", body: map + HTML(analysis.layers.indices.map(layer))),
            PageSection(id: "wasted", title: "Wasted space", body: wasted),
            PageSection(id: "configuration", title: "Configuration", body: configuration),
        ]
    }

    // MARK: - Layers

    private func title(_ layer: Int) -> String { "Layer \(layer + 1)" }

    /// All layers in one map.
    private var map: HTML {
        let layers = analysis.layers.indices.filter { analysis.layers[$0].bytes > 0 }
            .sorted { analysis.layers[$0].bytes > analysis.layers[$1].bytes }
        let rectangles = Treemap.rectangles(layers.map { Double(analysis.layers[$0].bytes) }, ratio: 3)
        let cells = zip(layers, rectangles).map { layer, rectangle -> HTML in
            let analyzed = analysis.layers[layer]
            return cell(
                rectangle,
                hue: hue(layer),
                share: share(analyzed.wastedBytes, analyzed.bytes),
                content: """
                    <a href="#layer-\(layer + 1)">\(title(layer)) <span>\(HumanReadable.size(analyzed.bytes))</span>
                    <span>\(analyzed.history?.instruction.prefix(80).description ?? "")</span></a>
                    """
            )
        }
        guard !cells.isEmpty else { return "<p>No layer has any content.</p>" }
        return """
            <p class="note">Areas are bytes of files; what is hatched is hidden by a later layer.</p>
            <ul class="map" aria-label="Layers by size">\(HTML(cells))</ul>

            """
    }

    private func cell(_ rectangle: Treemap.Rectangle, hue: Int, share: Double, content: HTML) -> HTML {
        let hatch: HTML = share > 0 ? "<i style=\"width:\(percent: share)\"></i>" : ""
        return """
            <li style="--hue:\(hue);left:\(percent: rectangle.x);top:\(percent: rectangle.y);\
            width:\(percent: rectangle.width);height:\(percent: rectangle.height)">\(hatch)\(content)</li>
            """
    }

    /// Neighbours in the list differ as much as possible (the golden angle).
    private func hue(_ layer: Int) -> Int { (210 + layer * 137) % 360 }

    private func share(_ part: Int64, _ whole: Int64) -> Double { whole > 0 ? Double(part) / Double(whole) : 0 }

    private func layer(_ position: Int) -> HTML {
        let layer = analysis.layers[position]
        let rows = layer.rows(depth: 1)
        let (added, changed, removed) = rows.reduce((0, 0, 0)) {
            ($0.0 + $1.added, $0.1 + $1.changed, $0.2 + $1.removed)
        }
        let place: HTML = lines[position].map { "<span class=\"line\">line \($0)</span> " } ?? ""
        let instruction: HTML =
            layer.history.map { $0.instruction }.map { $0.isEmpty ? "" : "<p>\(place)<code>\($0)</code></p>" } ?? ""
        let sizes = layer.sizes
        var notes = [
            "\(HumanReadable.size(layer.bytes)) in files", "\(added) added", "\(changed) changed", "\(removed) removed",
        ]
        if layer.wastedBytes > 0 { notes.append("\(HumanReadable.size(layer.wastedBytes)) hidden by later layers") }
        if layer.hiddenBytes > 0 { notes.append("hides \(HumanReadable.size(layer.hiddenBytes)) of others") }
        let text = notes.filter { !$0.hasPrefix("0 ") }.joined(separator: ", ")
        return """
            <h3 id="layer-\(position + 1)">\(title(position))</h3>
            \(instruction)<p class="note">\(text) · <code>\(layer.diffID.short)</code></p>
            \(directoryMap(sizes, hue: hue(position)))\(changes(layer))
            """
    }

    /// One rectangle of a layer's map.
    private struct Cell {
        var name: String
        /// The name without what all have in common.
        var label: String
        var bytes: Int64
        var wastedBytes: Int64
        /// What it can be divided into.
        var children: [SizeTree] = []

        init(_ tree: SizeTree, in directory: String) {
            name = directory + EscapedText.escaped(tree.name) + (tree.isDirectory ? "/" : "")
            label = name
            (bytes, wastedBytes, children) = (tree.bytes, tree.wastedBytes, tree.children)
        }

        /// Where the last component of the label begins.
        private var ownStart: String.Index {
            let path = label.dropLast(label.hasSuffix("/") ? 1 : 0)
            return path.lastIndex(of: "/").map(label.index(after:)) ?? label.startIndex
        }
        var ownName: String { String(label[ownStart...]) }
        var directory: String { String(label[..<ownStart]) }

        /// The start that all names have in common, up to a slash.
        static func commonDirectory(_ cells: [Cell]) -> String {
            guard var common = cells.first?.name else { return "" }
            for cell in cells {
                while !cell.name.hasPrefix(common) { common.removeLast() }
            }
            while let last = common.last, last != "/" { common.removeLast() }
            return common
        }

        init(rest: ArraySlice<Cell>, in directory: Cell? = nil) {
            name = (directory?.name ?? "/") + "… \(rest.count) others"
            label = name
            bytes = rest.reduce(0) { $0 + $1.bytes }
            wastedBytes = rest.reduce(0) { $0 + $1.wastedBytes }
        }
    }

    /// The directories of a layer, the large ones divided into what is in them.
    private func directoryMap(_ tree: SizeTree, hue: Int) -> HTML {
        var cells = tree.children.map { Cell($0, in: "/") }
        while true {
            let directories = cells.indices.filter { !cells[$0].children.isEmpty }
            guard let largest = directories.max(by: { cells[$0].bytes < cells[$1].bytes }),
                cells[largest].bytes > tree.bytes / 12, cells.count <= ImageSections.mapLimit - 4
            else { break }
            let directory = cells.remove(at: largest)
            let inside = directory.children.map { Cell($0, in: directory.name) }
            // Each gets only so many, so that the next one can be divided too.
            let room = min(ImageSections.mapLimit - cells.count, 12)
            cells +=
                inside.count <= room
                ? inside : inside[..<(room - 1)] + [Cell(rest: inside[(room - 1)...], in: directory)]
        }
        cells.sort { $0.bytes > $1.bytes }
        // One file alone makes no map.
        guard let largest = cells.first, largest.bytes < tree.bytes / 100 * 99 else { return "" }
        let directory = Cell.commonDirectory(cells)
        if cells.count > ImageSections.mapLimit {
            let rest = Cell(rest: cells[(ImageSections.mapLimit - 1)...])
            cells.removeLast(cells.count - ImageSections.mapLimit + 1)
            cells.append(rest)
            cells.sort { $0.bytes > $1.bytes }
        }
        for place in cells.indices where cells[place].name.hasPrefix(directory) {
            cells[place].label.removeFirst(directory.count)
        }
        let isThin = tree.bytes < analysis.bytes / 5
        let rectangles = Treemap.rectangles(cells.map { Double($0.bytes) }, ratio: isThin ? 9 : 4)
        let items = zip(cells, rectangles).map { item, rectangle in
            let size = HumanReadable.size(item.bytes)
            return cell(
                rectangle,
                hue: hue,
                share: share(item.wastedBytes, item.bytes),
                content: """
                    <b title="\(item.name) \(size)">\(item.ownName) <span>\(size)</span><span>\(item.directory)</span></b>
                    """
            )
        }
        let heading: HTML = directory.count > 1 ? "<p class=\"note\">below <code>\(directory)</code></p>" : ""
        return heading
            + "<ul class=\"map \(isThin ? "thin" : "low")\" aria-label=\"Directories by size\">\(HTML(items))</ul>\n"
    }

    private func changes(_ layer: ImageAnalysis.AnalyzedLayer) -> HTML {
        let rows = layer.rows(depth: 3)
        guard !rows.isEmpty else { return "" }
        let largest = rows.filter { !$0.isDirectory || $0.depth == 3 }
            .sorted { ($1.bytes + $1.hiddenBytes, $0.path) < ($0.bytes + $0.hiddenBytes, $1.path) }
        let shown = largest.prefix(ImageSections.listLimit).map { row -> HTML in
            let what =
                switch row.kind {
                case .added: "added"
                case .changed(let attributes): "changed " + attributes.map(\.rawValue).joined(separator: ", ")
                case .removed: "removed"
                case nil: "+\(row.added) ~\(row.changed) -\(row.removed)"
                }
            let hidden = row.hiddenBytes > 0 ? HumanReadable.size(row.hiddenBytes) : ""
            return """
                <tr><th scope="row"><code>\(row.path.escaped)\(row.isDirectory ? "/" : "")</code></th><td>\(what)</td>\
                <td class="n">\(HumanReadable.size(row.bytes))</td><td class="n">\(hidden)</td></tr>
                """
        }
        let rest = largest.count - shown.count
        let more: HTML = rest > 0 ? "<p class=\"note\">and \(rest) more, smaller ones</p>" : ""
        return """
            <details><summary>Largest files and directories</summary><div class="scroll" tabindex="0" role="region" aria-label="Files"><table>
            <thead><tr><th scope="col">Path</th><th scope="col">What</th><th scope="col" class="n">Size</th><th scope="col" class="n">Hides</th></tr></thead>
            <tbody>\(HTML(shown))</tbody></table></div>\(more)</details>

            """
    }

    // MARK: - Waste

    private var wasted: HTML {
        let files = analysis.hiddenFiles.filter { $0.size > 0 }
        guard !files.isEmpty else { return "<p>Nothing: no layer hides content of another one.</p>" }
        let rows = files.prefix(ImageSections.listLimit).map { file -> HTML in
            let layer = analysis.layers[file.hidingLayer]
            return """
                <tr><th scope="row"><code>\(file.path.escaped)</code></th><td class="n">\(HumanReadable.size(file.size))</td>\
                <td><a href="#layer-\(file.layer + 1)">\(title(file.layer))</a></td>\
                <td><a href="#layer-\(file.hidingLayer + 1)">\(title(file.hidingLayer))</a> \
                <code>\(layer.history?.instruction.prefix(120).description ?? "")</code></td></tr>
                """
        }
        let rest = files.count - rows.count
        let more: HTML = rest > 0 ? "<p class=\"note\">and \(rest) more, smaller ones</p>" : ""
        return """
            <p>\(HumanReadable.size(analysis.wastedBytes)) of \(HumanReadable.size(analysis.bytes)) are in files that a later layer removes or replaces. \
            Every push and pull carries them.</p>
            <div class="scroll" tabindex="0" role="region" aria-label="Wasted files"><table>
            <thead><tr><th scope="col">File</th><th scope="col" class="n">Size</th><th scope="col">In</th><th scope="col">Hidden by</th></tr></thead>
            <tbody>\(HTML(rows))</tbody></table></div>\(more)
            """
    }

    // MARK: - Configuration

    private var configuration: HTML {
        let config = image.configuration.config
        var rows: [(String, [String])] = []
        func list(_ words: [String]?) -> [String] { words.map { [ImageSections.json($0)] } ?? [] }
        rows.append(("Entrypoint", list(config.entrypoint)))
        rows.append(("Command", list(config.cmd)))
        rows.append(("User", [config.user].compactMap { $0 }))
        rows.append(("Working directory", [config.workingDir].compactMap { $0 }))
        rows.append(("Environment", config.env ?? []))
        rows.append(("Labels", (config.labels ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }))
        rows.append(("Ports", (config.exposedPorts ?? [:]).keys.sorted()))
        rows.append(("Volumes", (config.volumes ?? [:]).keys.sorted()))
        rows.append(("Health check", list(config.healthcheck?.test)))
        rows.append(("Stop signal", [config.stopSignal].compactMap { $0 }))
        rows.append(("Shell", list(config.shell)))
        rows.append(("Triggers", config.onBuild ?? []))
        let items = rows.filter { !$0.1.isEmpty }.map { name, values -> HTML in
            "<div><dt>\(name)</dt>\(HTML(values.map { "<dd><code>\($0)</code></dd>" as HTML }))</div>\n"
        }
        return items.isEmpty ? "<p>The image sets nothing.</p>" : "<dl class=\"settings\">\(HTML(items))</dl>"
    }

    private static func json(_ words: [String]) -> String {
        String(decoding: (try? CanonicalJSON.encode(words)) ?? [], as: UTF8.self)
    }
}
