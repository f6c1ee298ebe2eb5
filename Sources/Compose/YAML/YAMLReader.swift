internal import CYAML
internal import Reporting

/// Reads YAML to nodes with their places: anchors are expanded, merge keys applied.
///
/// The recursion is bounded, and so is what anchors expand to: a few lines may stand for billions of values otherwise.
struct YAMLReader {
    /// More than any Compose file has, and few enough for the stack of any thread.
    static let deepest = 64
    static let mostValues = 500_000

    private struct Anchored {
        let node: Node
        let count: Int
        let height: Int
    }

    private let file: SourceFile
    /// Allocated, since libyaml keeps its address.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    /// The offset of each character, where they are not all of one byte.
    private let offsets: [Int]?
    private var anchors: [String: Anchored] = [:]
    private var count = 0

    private init(_ file: SourceFile, _ parser: UnsafeMutablePointer<yaml_parser_t>) {
        self.file = file
        self.parser = parser
        let bytes = file.text.bytes
        offsets = bytes.allSatisfy { $0 < 0x80 } ? nil : bytes.indices.filter { bytes[$0] & 0xC0 != 0x80 }
    }

    /// The documents of a file; none for an empty one.
    static func documents(of file: SourceFile) throws(DiagnosticsError) -> [Node] {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        defer { parser.deallocate() }
        var reader = YAMLReader(file, parser)
        guard yaml_parser_initialize(parser) == 1 else { throw reader.failure("out of memory", 0..<0) }
        defer { yaml_parser_delete(parser) }
        // Typed errors do not pass through the closure.
        return try file.text.bytes.withUnsafeBufferPointer { (bytes) -> Result<[Node], DiagnosticsError> in
            yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
            do throws(DiagnosticsError) { return .success(try reader.readStream()) } catch { return .failure(error) }
        }.get()
    }

    private mutating func readStream() throws(DiagnosticsError) -> [Node] {
        var documents: [Node] = []
        while true {
            let event = try next()
            switch event.type {
            case YAML_STREAM_END_EVENT: return documents
            case YAML_DOCUMENT_START_EVENT:
                anchors = [:]
                documents.append(try readNode(try next(), depth: 0).node)
            default: break
            }
        }
    }

    // MARK: Events

    private struct Event {
        let type: yaml_event_type_t
        let range: Range<Int>
        var text = ""
        var anchor: String?
        var tag: String?
        var isPlain = false
    }

    private mutating func next() throws(DiagnosticsError) -> Event {
        var raw = yaml_event_t()
        guard yaml_parser_parse(parser, &raw) == 1 else { throw parseFailure() }
        defer { yaml_event_delete(&raw) }
        var event = Event(
            type: raw.type,
            range: offset(raw.start_mark)..<max(offset(raw.start_mark), offset(raw.end_mark))
        )
        switch raw.type {
        case YAML_ALIAS_EVENT: event.anchor = Self.text(raw.data.alias.anchor)
        case YAML_SCALAR_EVENT:
            let scalar = raw.data.scalar
            event.text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            event.anchor = Self.text(scalar.anchor)
            event.tag = Self.text(scalar.tag)
            event.isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
        case YAML_SEQUENCE_START_EVENT:
            event.anchor = Self.text(raw.data.sequence_start.anchor)
            event.tag = Self.text(raw.data.sequence_start.tag)
        case YAML_MAPPING_START_EVENT:
            event.anchor = Self.text(raw.data.mapping_start.anchor)
            event.tag = Self.text(raw.data.mapping_start.tag)
        default: break
        }
        return event
    }

    private static func text(_ bytes: UnsafeMutablePointer<UInt8>?) -> String? { bytes.map { String(cString: $0) } }

    private func offset(_ mark: yaml_mark_t) -> Int { offset(character: mark.index) }

    private func offset(character index: Int) -> Int {
        guard let offsets else { return min(index, file.text.bytes.count) }
        // A byte order mark is a character for us and none for libyaml.
        let index = index + (file.text.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 1 : 0)
        return index < offsets.count ? offsets[index] : file.text.bytes.count
    }

    // MARK: Nodes

    private mutating func readNode(_ event: Event, depth: Int) throws(DiagnosticsError) -> Anchored {
        guard depth < Self.deepest else {
            throw failure("values are nested more than \(Self.deepest) levels deep", event.range)
        }
        if event.type == YAML_ALIAS_EVENT { return try expand(event, depth: depth) }
        let before = count
        try add(1, at: event.range)
        let result: (node: Node, height: Int)
        switch event.type {
        case YAML_SEQUENCE_START_EVENT: result = try readList(event, depth: depth)
        case YAML_MAPPING_START_EVENT: result = try readMapping(event, depth: depth)
        default: result = (try scalar(event), 1)
        }
        let anchored = Anchored(node: result.node, count: count - before, height: result.height)
        if let anchor = event.anchor { anchors[anchor] = anchored }
        return anchored
    }

    private mutating func expand(_ event: Event, depth: Int) throws(DiagnosticsError) -> Anchored {
        let name = event.anchor ?? ""
        guard let anchored = anchors[name] else {
            let nearest = SpellingSuggestion.closest(to: name, in: anchors.keys.sorted())
            throw failure("unknown anchor `\(name)`", event.range, label: nearest.map { "did you mean `*\($0)`?" })
        }
        guard depth + anchored.height <= Self.deepest else {
            throw failure("anchors expand to values that are nested more than \(Self.deepest) levels deep", event.range)
        }
        try add(anchored.count, at: event.range)
        return anchored
    }

    private mutating func add(_ more: Int, at range: Range<Int>) throws(DiagnosticsError) {
        count += more
        guard count <= Self.mostValues else {
            throw failure("the file expands to more than \(Self.mostValues) values", range)
        }
    }

    private func scalar(_ event: Event) throws(DiagnosticsError) -> Node {
        let tag = try mergeTag(event)
        let kind: Node.Kind =
            switch event.tag {
            case "tag:yaml.org,2002:str", "!": .string(event.text)
            case nil where !event.isPlain: .string(event.text)
            default: event.isPlain ? PlainScalar.kind(event.text) : .string(event.text)
            }
        return Node(kind, at: place(event.range), tag: tag)
    }

    private mutating func readList(_ start: Event, depth: Int) throws(DiagnosticsError) -> (Node, Int) {
        var nodes: [Node] = []
        var height = 0
        while true {
            let event = try next()
            if event.type == YAML_SEQUENCE_END_EVENT { break }
            let item = try readNode(event, depth: depth + 1)
            nodes.append(item.node)
            height = max(height, item.height)
        }
        return (Node(.list(nodes), at: place(start.range), tag: try mergeTag(start)), height + 1)
    }

    private mutating func readMapping(_ start: Event, depth: Int) throws(DiagnosticsError) -> (Node, Int) {
        var mapping = NodeMapping()
        var merged: [Node] = []
        var height = 0
        while true {
            let event = try next()
            if event.type == YAML_MAPPING_END_EVENT { break }
            let key = try readKey(event)
            let value = try readNode(try next(), depth: depth + 1)
            height = max(height, value.height)
            if event.isPlain, key == "<<" {
                merged += try mergedMappings(value.node)
            } else if let first = mapping.entry(key) {
                throw failure(
                    "the key `\(key)` is given twice",
                    event.range,
                    notes: [Diagnostic.Note("`\(key)` is given here first", at: first.place.range)]
                )
            } else {
                mapping.set(key, value.node, at: place(event.range))
            }
        }
        // What stands in the mapping itself wins, then the first of those that are merged into it.
        for entry in merged.flatMap({ $0.mapping?.entries ?? [] }) where mapping[entry.key] == nil {
            mapping.set(entry.key, entry.value, at: entry.place)
        }
        return (Node(.mapping(mapping), at: place(start.range), tag: try mergeTag(start)), height + 1)
    }

    private mutating func readKey(_ event: Event) throws(DiagnosticsError) -> String {
        switch event.type {
        case YAML_SCALAR_EVENT: return event.text
        case YAML_ALIAS_EVENT:
            guard let text = try expand(event, depth: 0).node.scalarText else { fallthrough }
            return text
        default: throw failure("a key has to be a single value, not a list or a mapping", event.range)
        }
    }

    private func mergedMappings(_ node: Node) throws(DiagnosticsError) -> [Node] {
        if node.mapping != nil { return [node] }
        guard let list = node.list, list.allSatisfy({ $0.mapping != nil }) else {
            throw failure(
                "`<<` takes a mapping or a list of mappings, not \(node.typeName)",
                node.place.range.start..<node.place.range.end
            )
        }
        return list
    }

    private func mergeTag(_ event: Event) throws(DiagnosticsError) -> Node.MergeTag? {
        guard let tag = event.tag, !tag.hasPrefix("tag:yaml.org,2002:"), tag != "!" else { return nil }
        switch tag {
        case "!reset": return .reset
        case "!override": return .override
        default:
            let nearest = SpellingSuggestion.closest(to: tag, in: ["!reset", "!override"])
            throw failure("unknown tag `\(tag)`", event.range, label: nearest.map { "did you mean `\($0)`?" })
        }
    }

    // MARK: Errors

    private func place(_ range: Range<Int>) -> Place { Place(file, SourceRange(range.lowerBound, range.upperBound)) }

    private func failure(
        _ message: String,
        _ range: Range<Int>,
        label: String? = nil,
        notes: [Diagnostic.Note] = []
    ) -> DiagnosticsError {
        let range = SourceRange(range.lowerBound, range.upperBound)
        return DiagnosticsError(
            source: file.text,
            diagnostics: [Diagnostic(message, at: range, label: label, notes: notes)]
        )
    }

    /// What libyaml says, at the place where it stopped.
    private func parseFailure() -> DiagnosticsError {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "out of memory"
        if parser.pointee.error == YAML_READER_ERROR {
            let start = min(parser.pointee.problem_offset, file.text.bytes.count)
            return failure("invalid YAML: \(problem)", start..<min(start + 1, file.text.bytes.count))
        }
        let context = parser.pointee.context.map { String(cString: $0) + ", " } ?? ""
        let start = offset(parser.pointee.problem_mark)
        let isTab = start < file.text.bytes.count && file.text.bytes[start] == UInt8(ascii: "\t")
        return failure(
            "invalid YAML: \(context)\(problem)",
            start..<min(start + 1, file.text.bytes.count),
            label: isTab ? "indent by blanks, not by tabs" : nil
        )
    }
}
