internal import Formatting
internal import Reporting

/// Brings one file into the full form of each value, and says what the specification does not allow.
///
/// Files are brought into this form before they are merged, so that merging knows one form only.
struct Canonicalizer {
    let problems: ProblemList
    /// Without it, a value with a variable may be anything.
    let interpolates: Bool

    func canonical(_ node: Node, _ shape: Shape, _ path: String) -> Node? {
        if node.tag == .reset { return node }
        if !interpolates, let text = node.string, text.contains("$") { return node }
        switch shape {
        case .string:
            if node.string != nil { return node }
        case .text:
            if let text = node.scalarText { return node.with(.string(text)) }
        case .boolean:
            if let value = Self.boolean(node) { return node.with(.boolean(value)) }
        case .whole(let range): return whole(node, in: range, path)
        case .number:
            if let value = Double(node.scalarText ?? ""), value.isFinite, value >= 0 {
                return node.with(.number(value))
            }
        case .bytes:
            if let value = Self.bytes(node) { return node.with(.string("\(value)")) }
        case .duration:
            if let text = node.string, let value = DurationText.nanoseconds(text), value >= 0 {
                return node.with(.string(GoDuration.text(value)))
            }
        case .fileMode:
            if let value = Self.fileMode(node) { return node.with(.string("0" + String(value, radix: 8))) }
        case .choice(let choices): return choice(node, choices, path)
        case .anything: return node
        default: return composite(node, shape, path)
        }
        return wrong(node, shape, path)
    }

    private func composite(_ node: Node, _ shape: Shape, _ path: String) -> Node? {
        switch shape {
        case .list(let element, let key):
            guard let list = node.list else { break }
            return unique(
                node.with(.list(list.enumerated().compactMap { canonical($1, element, "\(path).\($0)") })),
                key
            )
        case .strings(let key):
            let list = node.string.map { [node.with(.string($0))] } ?? node.list
            guard let list else { break }
            return unique(node.with(.list(list.compactMap { canonical($0, .string, path) })), key)
        case .pairs(let hasNull): return pairs(node, hasNull: hasNull, path)
        case .map(let value): return map(node, value, path)
        case .record(let record): return self.record(node, record, path)
        case .command: return command(node, path)
        case .anyOf(let first, let second):
            // The first is a scalar, and a mapping can only be the second.
            if node.mapping != nil { return canonical(node, second, path) }
            if case .duration = second, let text = node.string, let value = DurationText.nanoseconds(text) {
                return node.with(.integer(value / 1000))
            }
            return canonical(node, first, path)
        case .short(let form, let full): return short(node, form, full, path)
        default: break
        }
        return wrong(node, shape, path)
    }

    // MARK: Scalars

    /// Docker takes the words of YAML 1.1 where a boolean is expected.
    static func boolean(_ node: Node) -> Bool? {
        if let value = node.boolean { return value }
        switch node.string?.lowercased() {
        case "true", "yes", "y", "on": return true
        case "false", "no", "n", "off": return false
        default: return nil
        }
    }

    private func whole(_ node: Node, in range: ClosedRange<Int64>, _ path: String) -> Node? {
        guard let value = node.integer ?? node.string.flatMap({ Int64($0) }) else {
            return wrong(node, .whole(range), path)
        }
        guard range.contains(value) else {
            let upper = range.upperBound == .max ? "or more" : "to \(range.upperBound)"
            problems.add("`\(path)` is out of range: expected \(range.lowerBound) \(upper)", at: node.place)
            return nil
        }
        return node.with(.integer(value))
    }

    private static func bytes(_ node: Node) -> Int64? {
        if let value = node.integer { return value >= -1 ? value : nil }
        guard let text = node.string else { return nil }
        return text == "-1" ? -1 : ByteSize.binary(text.trimming()) ?? ByteSize.decimal(text.trimming())
    }

    private static func fileMode(_ node: Node) -> Int64? {
        let value = node.integer ?? node.string.flatMap { Int64($0, radix: 8) }
        return value.flatMap { (0...0o7777).contains($0) ? $0 : nil }
    }

    private func choice(_ node: Node, _ choices: [String], _ path: String) -> Node? {
        guard let text = node.string else { return wrong(node, .string, path) }
        if choices.contains(text) { return node }
        let nearest = SpellingSuggestion.closest(to: text, in: choices)
        problems.add(
            "`\(path)`: unknown value `\(text)`",
            at: node.place,
            label: nearest.map { "did you mean `\($0)`?" },
            hints: nearest == nil ? ["expected \(choices.map { "`\($0)`" }.joined(separator: ", "))"] : []
        )
        return nil
    }

    // MARK: Lists and mappings

    private func command(_ node: Node, _ path: String) -> Node? {
        if node.isNull { return node }
        if let text = node.string {
            guard let words = ShellWords.split(text) else {
                problems.add("`\(path)`: a quote is not closed", at: node.place)
                return nil
            }
            return node.with(.list(words.map { node.with(.string($0)) }))
        }
        guard let list = node.list else { return wrong(node, .command, path) }
        return node.with(.list(list.compactMap { canonical($0, .text, path) }))
    }

    private func pairs(_ node: Node, hasNull: Bool, _ path: String) -> Node? {
        var result = NodeMapping()
        func add(_ key: String, _ value: Node, _ place: Place) {
            result.set(key, value.isNull && !hasNull ? value.with(.string("")) : value, at: place)
        }
        if let mapping = node.mapping {
            for entry in mapping.entries {
                let isEmpty = entry.value.isNull || entry.value.tag == .reset
                guard let value = isEmpty ? entry.value : canonical(entry.value, .text, "\(path).\(entry.key)") else {
                    continue
                }
                add(entry.key, value, entry.place)
            }
        } else if let list = node.list {
            for element in list {
                guard let text = element.scalarText else {
                    _ = wrong(element, .string, path)
                    continue
                }
                let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                if parts[0].last == " " {
                    problems.add("`\(path)`: a blank stands before `=` in `\(text)`", at: element.place)
                }
                add(
                    String(parts[0]),
                    element.with(parts.count == 2 ? .string(String(parts[1])) : .null),
                    element.place
                )
            }
        } else {
            return wrong(node, .pairs(hasNull: hasNull), path)
        }
        return node.with(.mapping(result))
    }

    private func map(_ node: Node, _ shape: Shape, _ path: String) -> Node? {
        guard let mapping = node.mapping else { return wrong(node, .map(shape), path) }
        var result = NodeMapping()
        for entry in mapping.entries {
            if entry.key.hasPrefix("x-"), Self.holdsNames(shape) {
                result.set(entry.key, entry.value, at: entry.place)
                continue
            }
            if Self.holdsNames(shape), !Self.isName(entry.key) {
                problems.add(
                    "invalid name `\(entry.key)` in `\(path)`: expected letters, digits, `.`, `_` and `-`",
                    at: entry.place
                )
                continue
            }
            // A network or volume without anything is one with all defaults.
            let mayBeNull = if case .record(let record) = Self.full(shape) { record.required.isEmpty } else { false }
            if entry.value.isNull, mayBeNull, path != "services" {
                result.set(entry.key, entry.value, at: entry.place)
            } else if let value = canonical(entry.value, shape, "\(path).\(entry.key)") {
                result.set(entry.key, value, at: entry.place)
            }
        }
        return node.with(.mapping(result))
    }

    private static func full(_ shape: Shape) -> Shape { if case .short(_, let full) = shape { full } else { shape } }

    private static func holdsNames(_ shape: Shape) -> Bool { if case .record = full(shape) { true } else { false } }

    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0.beginsName || $0.isDigit || ".-".utf8.contains($0) }
    }

    private func record(_ node: Node, _ record: Record, _ path: String) -> Node? {
        guard let mapping = node.mapping else {
            return node.isNull && record.isKeptEmpty && record.required.isEmpty
                ? node.with(.mapping(NodeMapping())) : wrong(node, .record(record), path)
        }
        var result = NodeMapping()
        for entry in mapping.entries {
            if entry.key.hasPrefix("x-") {
                result.set(entry.key, entry.value, at: entry.place)
                continue
            }
            guard let field = record[entry.key] else {
                unknown(entry, record, path)
                continue
            }
            let inner = path.isEmpty ? entry.key : "\(path).\(entry.key)"
            switch field.support {
            case .full: break
            case .ignored(let reason): problems.add(.warning, "`\(inner)` is ignored: \(reason)", at: entry.place)
            case .missing(let reason):
                problems.add("`\(inner)` is not supported: \(reason)", at: entry.place)
                continue
            }
            if let value = canonical(entry.value, field.shape, inner) { result.set(entry.key, value, at: entry.place) }
        }
        for name in record.required where mapping[name] == nil {
            problems.add("`\(path)` lacks `\(name)`", at: node.place)
        }
        return node.with(.mapping(result))
    }

    private func unknown(_ entry: NodeMapping.Entry, _ record: Record, _ path: String) {
        let nearest = SpellingSuggestion.closest(to: entry.key, in: record.fields.map(\.name))
        problems.add(
            path.isEmpty ? "unknown key `\(entry.key)`" : "unknown key `\(entry.key)` in `\(path)`",
            at: entry.place,
            label: nearest.map { "did you mean `\($0)`?" },
            hints: nearest == nil ? ["keys that begin with `x-` are yours"] : []
        )
    }

    func wrong(_ node: Node, _ shape: Shape, _ path: String) -> Node? {
        let name = path.isEmpty ? "the file" : "`\(path)`"
        let expected = Self.expected(shape)
        if Self.isScalar(shape), node.scalarText != nil {
            let text = node.place.file.text[node.place.range].split(separator: "\n").first.map(String.init) ?? ""
            problems.add("\(name): invalid value `\(text)`: expected \(expected)", at: node.place)
        } else {
            let found = node.isNull ? "has no value" : "is \(node.typeName)"
            // A number where only text is meant, such as a version, is written in quotes.
            let isBare = if case .string = shape { node.scalarText != nil } else { false }
            let hints = isBare ? ["quotes make it a string"] : []
            problems.add("\(name) \(found): expected \(expected)", at: node.place, hints: hints)
        }
        return nil
    }

    private static func isScalar(_ shape: Shape) -> Bool {
        switch shape {
        case .boolean, .whole, .number, .bytes, .duration, .fileMode: true
        default: false
        }
    }

    private static func expected(_ shape: Shape) -> String {
        switch shape {
        case .string, .text, .choice: "a string"
        case .boolean: "true or false"
        case .whole: "a whole number"
        case .number: "a number"
        case .bytes: "a size such as 512m"
        case .duration: "a duration such as 1m30s"
        case .fileMode: "an octal mode such as 0440"
        case .list: "a list"
        case .strings, .command: "a string or a list of strings"
        case .pairs: "a mapping or a list of `name=value`"
        case .map, .record: "a mapping"
        case .anyOf(let first, _): expected(first)
        case .short(_, let full): expected(full)
        case .anything: "anything"
        }
    }
}

extension StringProtocol {
    /// Without blanks at either end.
    func trimming() -> String {
        var text = self[...]
        while text.first?.isWhitespace ?? false { text.removeFirst() }
        while text.last?.isWhitespace ?? false { text.removeLast() }
        return String(text)
    }
}
