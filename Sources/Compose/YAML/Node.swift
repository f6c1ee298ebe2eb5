/// A value of a Compose file with its place: what YAML says, and later what the specification makes of it.
public struct Node: Sendable {
    public enum Kind: Sendable {
        case null
        case boolean(Bool)
        case integer(Int64)
        case number(Double)
        case string(String)
        case list([Node])
        case mapping(NodeMapping)
    }

    /// What becomes of the value of the same name in the files before.
    public enum MergeTag: Sendable, Equatable {
        /// `!reset`: it is removed.
        case reset
        /// `!override`: it is replaced.
        case override
    }

    public var kind: Kind
    public let place: Place
    public var tag: MergeTag?

    public init(_ kind: Kind, at place: Place, tag: MergeTag? = nil) {
        self.kind = kind
        self.place = place
        self.tag = tag
    }

    /// The same place and tag around another value.
    func with(_ kind: Kind) -> Node { Node(kind, at: place, tag: tag) }

    var string: String? { if case .string(let text) = kind { text } else { nil } }

    var list: [Node]? { if case .list(let nodes) = kind { nodes } else { nil } }

    public var mapping: NodeMapping? { if case .mapping(let mapping) = kind { mapping } else { nil } }

    var boolean: Bool? { if case .boolean(let value) = kind { value } else { nil } }

    var integer: Int64? { if case .integer(let value) = kind { value } else { nil } }

    var isNull: Bool { if case .null = kind { true } else { false } }

    subscript(key: String) -> Node? { mapping?[key] }

    /// What it is, with an article, for messages.
    var typeName: String {
        switch kind {
        case .null: "nothing"
        case .boolean: "a boolean"
        case .integer, .number: "a number"
        case .string: "a string"
        case .list: "a list"
        case .mapping: "a mapping"
        }
    }

    /// A scalar as text; numbers as Go prints them.
    var scalarText: String? {
        switch kind {
        case .boolean(let value): value ? "true" : "false"
        case .integer(let value): "\(value)"
        case .number(let value): NumberText.of(value)
        case .string(let text): text
        case .null, .list, .mapping: nil
        }
    }
}

/// The entries of a mapping in the order of the file, each key once.
public struct NodeMapping: Sendable {
    public struct Entry: Sendable {
        public let key: String
        public let place: Place
        public var value: Node
    }

    public private(set) var entries: [Entry] = []
    private var positions: [String: Int] = [:]

    init() {}

    public subscript(key: String) -> Node? { positions[key].map { entries[$0].value } }

    func entry(_ key: String) -> Entry? { positions[key].map { entries[$0] } }

    /// Sets a value, in the place of one of that key.
    mutating func set(_ key: String, _ value: Node, at place: Place? = nil) {
        if let position = positions[key] {
            entries[position] = Entry(key: key, place: place ?? entries[position].place, value: value)
        } else {
            positions[key] = entries.count
            entries.append(Entry(key: key, place: place ?? value.place, value: value))
        }
    }

    mutating func remove(_ key: String) {
        guard positions[key] != nil else { return }
        let rest = entries.filter { $0.key != key }
        self = NodeMapping()
        for entry in rest { set(entry.key, entry.value, at: entry.place) }
    }
}

/// Numbers as Go's `%v` and its YAML have them: without a fraction where there is none.
enum NumberText {
    static func of(_ value: Double) -> String {
        // `description` is the shortest text that reads as the same number, as in Go.
        if value == value.rounded(), value.magnitude < 1e15 { return "\(Int64(value))" }
        return "\(value)"
    }
}
