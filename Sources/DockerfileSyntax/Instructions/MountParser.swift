import Reporting

/// Reads the comma-separated options of `RUN --mount`.
enum MountParser {
    private static let aliases = [
        "src": "source", "dst": "target", "destination": "target", "ro": "readonly", "rw": "readwrite",
    ]
    private static let keys = MountFlag.keys.values.reduce(["type"] as Set) { $0.union($1) }
    private static let mayBeBare: Set<String> = ["readonly", "readwrite", "required"]

    static func parse(_ flag: Flag) throws(Diagnostic) -> MountFlag {
        guard let value = flag.value else { throw Diagnostic("--mount needs a value", at: flag.range) }
        var options: [MountFlag.Option] = []
        for field in try fields(value) {
            let separator = field.text.firstIndex(of: "=")
            let spelled = String(separator.map { field.text[..<$0] } ?? field.text[...]).lowercased()
            let key = aliases[spelled] ?? spelled
            let content = separator.map {
                Word(String(field.text[field.text.index(after: $0)...]), at: field.range)
            }
            guard !spelled.isEmpty else { throw Diagnostic("a mount option is empty", at: field.range) }
            guard keys.contains(key) else {
                throw Diagnostic(
                    "unknown mount option `\(spelled)`",
                    at: field.range,
                    label: SpellingSuggestion.closest(to: spelled, in: keys.sorted()).map { "did you mean `\($0)`?" }
                )
            }
            if content == nil, !mayBeBare.contains(key) {
                throw Diagnostic("the mount option `\(key)` needs a value", at: field.range)
            }
            options.append(.init(key: Word(key, at: field.range), value: content))
        }
        try checkKeys(options)
        return MountFlag(options: options, range: flag.range)
    }

    /// Rejects options that belong to another type of mount, as far as the type is known without variables.
    private static func checkKeys(_ options: [MountFlag.Option]) throws(Diagnostic) {
        let typeWord = options.last { $0.key.text == "type" }?.value
        let type = typeWord?.text.lowercased() ?? "bind"
        guard !type.contains("$") else { return }
        guard let allowed = MountFlag.keys[type] else {
            throw Diagnostic(
                "unknown mount type `\(type)`",
                at: typeWord?.range,
                label: SpellingSuggestion.closest(to: type, in: MountFlag.keys.keys.sorted()).map {
                    "did you mean `\($0)`?"
                },
                hints: ["the types are bind, cache, tmpfs, secret and ssh"]
            )
        }
        for option in options where option.key.text != "type" && !allowed.contains(option.key.text) {
            throw Diagnostic("a mount of type `\(type)` has no option `\(option.key.text)`", at: option.key.range)
        }
    }

    /// The fields of one CSV record; a field may be quoted as a whole, with `""` for a quote inside.
    private static func fields(_ value: Word) throws(Diagnostic) -> [Word] {
        let bytes = Array(value.text.utf8)
        // Where quotes or backslashes were removed from the flag, only the whole value can be pointed at.
        let isExact = bytes.count == value.range.end - value.range.start
        var fields: [Word] = []
        var position = 0
        repeat {
            let start = position
            var field: [UInt8] = []
            if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
                position += 1
                while position < bytes.count {
                    if bytes[position] != UInt8(ascii: "\"") {
                        field.append(bytes[position])
                    } else if position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "\"") {
                        field.append(bytes[position])
                        position += 1
                    } else {
                        break
                    }
                    position += 1
                }
                guard position < bytes.count, position + 1 == bytes.count || bytes[position + 1] == 0x2C else {
                    throw Diagnostic("malformed quotes in mount options", at: value.range)
                }
                position += 1
            } else {
                while position < bytes.count, bytes[position] != 0x2C {
                    field.append(bytes[position])
                    position += 1
                }
            }
            let range =
                isExact && position > start
                ? SourceRange(value.range.start + start, value.range.start + position) : value.range
            fields.append(Word(String(decoding: field, as: UTF8.self), at: range))
            position += 1
        } while position <= bytes.count
        return fields
    }
}
