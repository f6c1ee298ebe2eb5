extension Node {
    /// With the values at a path replaced; `*` stands for every key or element.
    func updating(_ path: ArraySlice<String>, _ change: (Node) -> Node) -> Node {
        guard let step = path.first else { return change(self) }
        let rest = path.dropFirst()
        switch kind {
        case .list(let list):
            return step == "*" ? with(.list(list.map { $0.updating(rest, change) })) : self
        case .mapping(var mapping):
            for entry in mapping.entries where step == "*" || entry.key == step {
                mapping.set(entry.key, entry.value.updating(rest, change), at: entry.place)
            }
            return with(.mapping(mapping))
        default: return self
        }
    }

    func updating(_ path: String, _ change: (Node) -> Node) -> Node {
        updating(path.split(separator: ".").map(String.init)[...], change)
    }

    /// With a key set; of anything but a mapping, the same.
    func setting(_ key: String, _ value: Node) -> Node {
        guard var mapping else { return self }
        mapping.set(key, value)
        return with(.mapping(mapping))
    }

    func removing(_ key: String) -> Node {
        guard var mapping, mapping[key] != nil else { return self }
        mapping.remove(key)
        return with(.mapping(mapping))
    }
}
