/// Lays one file over another by the rules of the specification ("Merge").
enum Merging {
    static func project(_ base: Node, _ over: Node) -> Node {
        merge(base, over, .record(Specification.project), .natural)
    }

    static func service(_ base: Node, _ over: Node) -> Node {
        merge(base, over, .record(Specification.service), .natural)
    }

    static func merge(_ base: Node, _ over: Node, _ shape: Shape, _ rule: Field.Merge) -> Node {
        if over.tag == .override { return stripped(over) }
        if over.isNull, case .natural = rule { return base }
        switch rule {
        case .replace: return stripped(over)
        case .logging:
            if let driver = over["driver"]?.string, let other = base["driver"]?.string, driver != other {
                return stripped(over)
            }
        case .natural: break
        }
        switch (base.kind, over.kind) {
        case (.mapping(let left), .mapping(let right)): return over.with(.mapping(mappings(left, right, shape)))
        case (.list(let left), .list(let right)):
            let all = over.with(.list(left + right.filter { $0.tag != .reset }.map(stripped)))
            return Canonicalizer.unique(all, uniqueKey(shape))
        default: return stripped(over)
        }
    }

    private static func mappings(_ base: NodeMapping, _ over: NodeMapping, _ shape: Shape) -> NodeMapping {
        var result = base
        for entry in over.entries {
            if entry.value.tag == .reset {
                result.remove(entry.key)
            } else if let value = result[entry.key] {
                let (inner, rule) = part(entry.key, of: shape)
                result.set(entry.key, merge(value, entry.value, inner, rule), at: entry.place)
            } else {
                result.set(entry.key, stripped(entry.value), at: entry.place)
            }
        }
        return result
    }

    private static func part(_ key: String, of shape: Shape) -> (Shape, Field.Merge) {
        switch shape {
        case .record(let record): record[key].map { ($0.shape, $0.merge) } ?? (.anything, .natural)
        case .map(let value): (value, .natural)
        case .short(_, let full): part(key, of: full)
        case .anyOf(_, let second): part(key, of: second)
        default: (.anything, .natural)
        }
    }

    private static func uniqueKey(_ shape: Shape) -> UniqueKey {
        switch shape {
        case .list(_, let key), .strings(let key): key
        case .short(_, let full): uniqueKey(full)
        default: .none
        }
    }

    /// Without what is reset and without tags, as the first file of all.
    static func stripped(_ node: Node) -> Node {
        switch node.kind {
        case .list(let list):
            return Node(.list(list.filter { $0.tag != .reset }.map(stripped)), at: node.place)
        case .mapping(let mapping):
            var result = NodeMapping()
            for entry in mapping.entries where entry.value.tag != .reset {
                result.set(entry.key, stripped(entry.value), at: entry.place)
            }
            return Node(.mapping(result), at: node.place)
        default: return Node(node.kind, at: node.place)
        }
    }
}
