import Reporting

/// Reads the `--name=value` words behind a keyword.
struct FlagParser {
    enum Kind {
        case text
        case list
        case boolean
    }

    /// The flags that an instruction has.
    static func known(for instruction: String) -> [(name: String, kind: Kind)] {
        switch instruction {
        case "FROM": [("platform", .text)]
        case "RUN": [("mount", .list), ("network", .text), ("security", .text), ("device", .list)]
        case "COPY":
            [
                ("from", .text), ("chown", .text), ("chmod", .text), ("link", .boolean), ("parents", .boolean),
                ("exclude", .list),
            ]
        case "ADD":
            [
                ("chown", .text), ("chmod", .text), ("checksum", .text), ("link", .boolean), ("keep-git-dir", .boolean),
                ("unpack", .boolean), ("exclude", .list),
            ]
        case "HEALTHCHECK":
            [
                ("interval", .text), ("timeout", .text), ("start-period", .text), ("start-interval", .text),
                ("retries", .text),
            ]
        default: []
        }
    }

    /// Splits arguments into leading flags and the rest.
    static func split(_ arguments: LineSlice) -> (flags: [Flag], rest: LineSlice) {
        var flags: [Flag] = []
        var rest = arguments.trimmed
        let bytes = rest.line.bytes
        while rest.start + 1 < rest.end, bytes[rest.start] == 0x2D, bytes[rest.start + 1] == 0x2D {
            let (text, end) = word(in: rest)
            let slice = LineSlice(line: rest.line, start: rest.start, end: end)
            rest = LineSlice(line: rest.line, start: end, end: rest.end).trimmed
            if text == [0x2D, 0x2D] { break }
            flags.append(flag(slice, text))
        }
        return (flags, rest)
    }

    /// The next word with quotes and backslashes processed, and where it ends.
    private static func word(in slice: LineSlice) -> (text: [UInt8], end: Int) {
        let bytes = slice.line.bytes
        var text: [UInt8] = []
        var quote: UInt8?
        var position = slice.start
        while position < slice.end {
            let byte = bytes[position]
            if quote == nil, byte.isBlank { break }
            position += 1
            if byte == UInt8(ascii: "\\") {
                if position < slice.end {
                    text.append(bytes[position])
                    position += 1
                }
            } else if byte == quote {
                quote = nil
            } else if quote == nil, byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
            } else {
                text.append(byte)
            }
        }
        return (text, position)
    }

    private static func flag(_ slice: LineSlice, _ text: [UInt8]) -> Flag {
        let bytes = slice.line.bytes
        let raw = bytes[slice.start..<slice.end]
        let rawEquals = raw.firstIndex(of: UInt8(ascii: "=")) ?? slice.end
        let equals = text.firstIndex(of: UInt8(ascii: "="))
        let name = String(decoding: text[2..<max(2, equals ?? text.count)], as: UTF8.self)
        let valueStart = min(rawEquals + 1, slice.end)
        return Flag(
            name: Word(name, at: slice.line.range(slice.start, rawEquals)),
            value: equals.map {
                let range =
                    valueStart < slice.end
                    ? slice.line.range(valueStart, slice.end) : slice.line.range(slice.start, slice.end)
                return Word(String(decoding: text[($0 + 1)...], as: UTF8.self), at: range)
            },
            range: slice.range
        )
    }

    /// Checks flags against what the instruction knows.
    static func validate(_ flags: [Flag], for instruction: String) throws(Diagnostic) {
        let known = known(for: instruction)
        var seen: [String: SourceRange] = [:]
        for flag in flags {
            let name = flag.name.text
            guard let kind = known.first(where: { $0.name == name })?.kind else {
                throw unknown(flag, for: instruction, known: known.map(\.name))
            }
            if kind != .list, let earlier = seen[name] {
                throw Diagnostic(
                    "the flag `--\(name)` is given twice",
                    at: flag.name.range,
                    notes: [.init("it is given here first", at: earlier)]
                )
            }
            seen[name] = flag.range
            switch kind {
            case .text, .list:
                if flag.value == nil {
                    throw Diagnostic("the flag `--\(name)` needs a value", at: flag.range, label: "write `--\(name)=…`")
                }
            case .boolean:
                if let value = flag.value, boolean(value.text) == nil {
                    throw Diagnostic(
                        "the flag `--\(name)` is `true` or `false`, not `\(value.text)`",
                        at: value.range
                    )
                }
            }
        }
    }

    private static func unknown(_ flag: Flag, for instruction: String, known: [String]) -> Diagnostic {
        let names = known.map { "--" + $0 }
        let hint: String
        switch names.count {
        case 0: hint = "\(instruction) has no flags"
        case 1: hint = "\(instruction) accepts \(names[0])"
        default:
            hint = "\(instruction) accepts \(names.dropLast().joined(separator: ", ")) and \(names[names.count - 1])"
        }
        let suggestion = SpellingSuggestion.closest(to: flag.name.text, in: known)
        return Diagnostic(
            "unknown flag `--\(flag.name.text)` for \(instruction)",
            at: flag.name.range,
            label: suggestion.map { "did you mean `--\($0)`?" },
            hints: [hint]
        )
    }

    static func boolean(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true": true
        case "false": false
        default: nil
        }
    }
}

extension [Flag] {
    func value(_ name: String) -> Word? { first { $0.name.text == name }?.value }

    func values(_ name: String) -> [Word] { filter { $0.name.text == name }.compactMap(\.value) }

    func boolean(_ name: String) -> Bool? {
        guard let flag = first(where: { $0.name.text == name }) else { return nil }
        return flag.value.map { FlagParser.boolean($0.text) ?? true } ?? true
    }
}
