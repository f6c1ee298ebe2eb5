/// JSON with the keys in their order, as Go's `json.Marshal` and `json.MarshalIndent` write it.
enum JSONText {
    static func compact(_ value: PrintedValue) -> String {
        var text = ""
        write(value, nil, &text)
        return text
    }

    static func indented(_ value: PrintedValue) -> String {
        var text = ""
        write(value, 0, &text)
        return text
    }

    private static func write(_ value: PrintedValue, _ depth: Int?, _ text: inout String) {
        switch value {
        case .null: text += "null"
        case .boolean(let value): text += value ? "true" : "false"
        case .integer(let value): text += "\(value)"
        case .number(let value): text += NumberText.of(value)
        case .string(let string): quote(string, &text)
        case .list(let list):
            writeAll(list, ("[", "]"), depth, &text) { element, depth, text in write(element, depth, &text) }
        case .object(let members):
            writeAll(members, ("{", "}"), depth, &text) { member, depth, text in
                quote(member.key, &text)
                text += depth == nil ? ":" : ": "
                write(member.value, depth, &text)
            }
        }
    }

    private static func writeAll<Element>(
        _ elements: [Element],
        _ brackets: (String, String),
        _ depth: Int?,
        _ text: inout String,
        _ write: (Element, Int?, inout String) -> Void
    ) {
        text += brackets.0
        defer { text += brackets.1 }
        guard !elements.isEmpty else { return }
        for (index, element) in elements.enumerated() {
            if index > 0 { text += "," }
            if let depth { text += "\n" + String(repeating: "  ", count: depth + 1) }
            write(element, depth.map { $0 + 1 }, &text)
        }
        if let depth { text += "\n" + String(repeating: "  ", count: depth) }
    }

    private static func quote(_ string: String, _ text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{08}": text += "\\b"
            case "\u{0C}": text += "\\f"
            // Go escapes what HTML would read.
            case "<", ">", "&", "\u{2028}", "\u{2029}", "\u{00}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
