internal import Formatting

/// Reads the values of a mapping that is in full form.
struct Fields {
    let node: Node
    let problems: ProblemList

    init(_ node: Node, _ problems: ProblemList) {
        self.node = node
        self.problems = problems
    }

    func text(_ key: String) -> String? { node[key]?.scalarText }

    func isOn(_ key: String) -> Bool { node[key]?.boolean ?? false }

    func boolean(_ key: String) -> Bool? { node[key]?.boolean }

    func integer(_ key: String) -> Int64? { node[key]?.integer ?? node[key]?.string.flatMap { Int64($0) } }

    func number(_ key: String) -> Double? { node[key].flatMap { Double($0.scalarText ?? "") } }

    /// Nanoseconds.
    func duration(_ key: String) -> Int64? { text(key).flatMap(GoDuration.nanoseconds) }

    /// Permission bits, printed in octal.
    func mode(_ key: String) -> UInt16? { text(key).flatMap { UInt16($0, radix: 8) } }

    func strings(_ key: String) -> [String] { node[key]?.list?.compactMap(\.scalarText) ?? [] }

    /// The words of a command; `nil` where the image has it.
    func words(_ key: String) -> [String]? { node[key]?.list?.compactMap(\.scalarText) }

    func texts(_ key: String) -> [String: String] {
        Dictionary(entries(key).map { ($0.key, $0.value.scalarText ?? "") }) { $1 }
    }

    /// As `texts`, without what has no value.
    func valuesOnly(_ key: String) -> [String: String] {
        Dictionary(entries(key).compactMap { entry in entry.value.scalarText.map { (entry.key, $0) } }) { $1 }
    }

    func record(_ key: String) -> Fields? { node[key].flatMap { $0.mapping == nil ? nil : Fields($0, problems) } }

    func list(_ key: String) -> [Fields] { node[key]?.list?.map { Fields($0, problems) } ?? [] }

    /// The records below a key by name, extensions left out.
    func members(_ key: String) -> [(String, Fields)] { entries(key).map { ($0.key, Fields($0.value, problems)) } }

    private func entries(_ key: String) -> [NodeMapping.Entry] {
        node[key]?.mapping?.entries.filter { !$0.key.hasPrefix("x-") } ?? []
    }

    /// A value made of a text, which has its own opinion of what is valid.
    func parsed<Value>(_ key: String, expecting: String, _ parse: (String) -> Value?) -> Value? {
        guard let node = node[key], let text = node.scalarText else { return nil }
        if let value = parse(text) { return value }
        problems.add("invalid `\(key)`: `\(text)`", at: node.place, hints: ["expected \(expecting)"])
        return nil
    }
}
