internal import Formatting
internal import Layers
internal import OCI
internal import Reporting
internal import Tar

/// An analysis for people: layers as trees, then what is wasted and by what.
public struct AnalysisText {
    public private(set) var text = ""
    private let analysis: ImageAnalysis
    private let place: (Int) -> (dockerfile: String, line: Int)?
    /// Longer instructions are cut; `history --no-trunc` shows them.
    private let width: Int
    /// Of what is not a directory, so many are shown in each directory and each list, the largest ones.
    private static let fileLimit = 10

    /// - Parameters:
    ///   - title: What the user calls the image, and its ID.
    ///   - width: The columns that there are.
    ///   - place: Which line of which Dockerfile made a layer, counted from the lowest.
    public init(
        _ analysis: ImageAnalysis,
        title: String,
        depth: Int,
        width: Int,
        place: @escaping (Int) -> (dockerfile: String, line: Int)?
    ) {
        self.analysis = analysis
        self.width = max(width, 20)
        self.place = place
        let size = HumanReadable.size
        line(EscapedText.escaped(title))
        line(
            "\(analysis.layers.count) layers, \(size(analysis.bytes)), wasted \(size(analysis.wastedBytes)), "
                + "efficiency \(HumanReadable.percent(analysis.efficiency))"
        )
        for (position, layer) in analysis.layers.enumerated() {
            line("")
            line("layer \(position + 1): \(size(layer.bytes)) \(layer.diffID.short)")
            instruction(of: position)
            append(layer.rows(depth: depth))
        }
        guard !analysis.hiddenFiles.isEmpty else { return }
        for layer in analysis.layers.indices where analysis.layers[layer].hiddenBytes > 0 {
            line("")
            line("wasted: \(size(analysis.layers[layer].hiddenBytes)) hidden by layer \(layer + 1)")
            instruction(of: layer)
            let files = analysis.hiddenFiles.filter { $0.hidingLayer == layer && $0.size > 0 }
            for file in files.prefix(AnalysisText.fileLimit) {
                line("  \(padded(size(file.size))) \(file.path.escaped) of layer \(file.layer + 1)")
            }
            if files.count > AnalysisText.fileLimit { line("  and \(files.count - AnalysisText.fileLimit) more") }
        }
    }

    private mutating func instruction(of layer: Int) {
        if let place = place(layer) {
            line("  \(EscapedText.escaped(place.dockerfile)):\(place.line)")
        }
        guard let text = analysis.layers[layer].history?.instruction, !text.isEmpty else { return }
        let escaped = EscapedText.escaped(text)
        line("  " + (escaped.count > width - 2 ? escaped.prefix(width - 3) + "…" : escaped))
    }

    private mutating func append(_ rows: [ChangeRow]) {
        var files = Dictionary(grouping: rows.filter { !$0.isDirectory }) { $0.path.parent }
        files = files.filter { $0.value.count > AnalysisText.fileLimit }
        let shown = files.mapValues { files in
            Set(
                files.sorted { ($1.bytes + $1.hiddenBytes, $0.path) < ($0.bytes + $0.hiddenBytes, $1.path) }
                    .prefix(AnalysisText.fileLimit).map(\.path)
            )
        }
        for row in rows {
            guard !row.isDirectory, let wanted = shown[row.path.parent], let siblings = files[row.path.parent] else {
                append(row)
                continue
            }
            if wanted.contains(row.path) { append(row) }
            guard row.path == siblings.last?.path else { continue }
            let indentation = String(repeating: "  ", count: row.depth - 1)
            line("         \(indentation)and \(siblings.count - wanted.count) more")
        }
    }

    private mutating func append(_ row: ChangeRow) {
        let sign =
            switch row.kind {
            case .added: "+"
            case .changed: "~"
            case .removed: "-"
            case nil: " "
            }
        var name = EscapedText.escaped(row.path.name) + (row.isDirectory ? "/" : "")
        if case .changed(let attributes)? = row.kind, !attributes.isEmpty {
            name += " (" + attributes.map(\.rawValue).joined(separator: ", ") + ")"
        }
        if row.isDirectory {
            let counts = [("+", row.added), ("~", row.changed), ("-", row.removed)].filter { $0.1 > 0 }
            if !counts.isEmpty { name += " " + counts.map { "\($0)\($1)" }.joined(separator: " ") }
        }
        if row.hiddenBytes > 0 { name += ", hides \(HumanReadable.size(row.hiddenBytes))" }
        let indentation = String(repeating: "  ", count: row.depth - 1)
        line("\(sign) \(padded(HumanReadable.size(row.bytes))) \(indentation)\(name)")
    }

    private func padded(_ text: String) -> String { String(repeating: " ", count: max(0, 6 - text.count)) + text }

    private mutating func line(_ line: String) { text += line + "\n" }
}
