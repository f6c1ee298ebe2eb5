extension Canonicalizer {
    /// Of elements that are the same, the last one in the place of the first.
    func unique(_ node: Node, _ key: UniqueKey) -> Node { Self.unique(node, key) }

    static func unique(_ node: Node, _ key: UniqueKey) -> Node {
        guard let list = node.list else { return node }
        if case .none = key { return node }
        var positions: [String: Int] = [:]
        var result: [Node] = []
        for element in list {
            guard let text = text(of: element, key) else {
                result.append(element)
                continue
            }
            if let position = positions[text] {
                result[position] = element
            } else {
                positions[text] = result.count
                result.append(element)
            }
        }
        return node.with(.list(result))
    }

    private static func text(of node: Node, _ key: UniqueKey) -> String? {
        switch key {
        case .none: return nil
        case .whole: return node.scalarText
        case .name: return node.scalarText.map { String($0.prefix { $0 != "=" }) }
        case .field(let name): return node[name]?.scalarText ?? node.scalarText
        case .port:
            guard let target = node["target"]?.scalarText else { return node.scalarText }
            let parts = ["host_ip", "published", "protocol"].map { node[$0]?.scalarText ?? "" }
            return "\(parts[0] == "" ? "0.0.0.0" : parts[0]):\(parts[1]):\(target)/\(parts[2] == "" ? "tcp" : parts[2])"
        case .mount(let directory):
            return node["target"]?.string ?? node["source"]?.string.map { "\(directory)/\($0)" } ?? node.string
        }
    }
}
