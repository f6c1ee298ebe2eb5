/// YAML as Go's encoder writes it, which Docker prints.
enum YAMLText {
    static func of(_ value: PrintedValue) -> String {
        var text = ""
        write(value, indent: 0, isInList: false, &text)
        return text
    }

    /// - Parameter isInList: Whether the first line stands behind a dash already.
    private static func write(_ value: PrintedValue, indent: Int, isInList: Bool, _ text: inout String) {
        switch value {
        case .object(let members) where !members.isEmpty:
            for (index, member) in members.enumerated() {
                if !(isInList && index == 0) { text += String(repeating: " ", count: indent) }
                text += scalar(member.key, indent: indent) + ":"
                writeValue(member.value, indent: indent, &text)
            }
        case .list(let list) where !list.isEmpty:
            for (index, element) in list.enumerated() {
                if !(isInList && index == 0) { text += String(repeating: " ", count: indent) }
                text += "-"
                if element.isCollection {
                    text += " "
                    write(element, indent: indent + 2, isInList: true, &text)
                } else {
                    text += " " + leaf(element, indent: indent) + "\n"
                }
            }
        default: text += leaf(value, indent: indent) + "\n"
        }
    }

    private static func writeValue(_ value: PrintedValue, indent: Int, _ text: inout String) {
        if value.isCollection {
            text += "\n"
            write(value, indent: indent + 2, isInList: false, &text)
        } else {
            text += " " + leaf(value, indent: indent) + "\n"
        }
    }

    private static func leaf(_ value: PrintedValue, indent: Int) -> String {
        switch value {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .integer(let value): "\(value)"
        case .number(let value): NumberText.of(value)
        case .string(let string): scalar(string, indent: indent)
        case .list: "[]"
        case .object: "{}"
        }
    }

    private static func scalar(_ string: String, indent: Int) -> String {
        let scalars = Array(string.unicodeScalars)
        let isSpecial = scalars.contains { !isPrintable($0) && $0 != "\n" }
        if scalars.contains("\n") {
            guard !isSpecial, !string.contains(" \n"), !string.hasSuffix(" ") else { return doubleQuoted(scalars) }
            return literal(string, indent: indent)
        }
        guard case .string = PlainScalar.kind(string), !isOfOldYAML(string), !isSpecial else {
            return doubleQuoted(scalars)
        }
        return isPlain(scalars) ? string : "'" + string.replacing("'", with: "''") + "'"
    }

    /// Words and numbers of YAML 1.1, which other readers would not take for text.
    private static func isOfOldYAML(_ string: String) -> Bool {
        switch string {
        case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF", "<<":
            return true
        default: break
        }
        // 22:22 was a number in base 60, and 2024-01-31 is a date.
        let parts = string.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count > 1, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { $0.isDigit || $0 == 0x2E } }) {
            return parts.dropFirst().allSatisfy { $0.count <= 2 || $0.contains(".") }
                && parts.dropFirst().allSatisfy {
                    (Double($0) ?? 60) < 60
                }
        }
        let date = string.split(separator: "-", omittingEmptySubsequences: false)
        return date.count == 3 && date[0].count == 4 && date.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(\.isDigit) }
    }

    private static func isPlain(_ scalars: [Unicode.Scalar]) -> Bool {
        guard let first = scalars.first, first != " ", scalars.last != " " else { return false }
        func isBlank(_ index: Int) -> Bool { index >= scalars.count || scalars[index] == " " }
        if "#,[]{}&*!|>'\"%@`".unicodeScalars.contains(first) { return false }
        if "?:-".unicodeScalars.contains(first), isBlank(1) { return false }
        let start = String(String.UnicodeScalarView(scalars.prefix(3)))
        if start == "---" || start == "..." { return false }
        for (index, scalar) in scalars.enumerated() {
            if scalar == ":", isBlank(index + 1) { return false }
            if scalar == "#", index > 0, scalars[index - 1] == " " { return false }
        }
        return true
    }

    private static func literal(_ string: String, indent: Int) -> String {
        let chomping = string.hasSuffix("\n\n") || string == "\n" ? "+" : string.hasSuffix("\n") ? "" : "-"
        let hint = string.hasPrefix(" ") || string.hasPrefix("\n") ? "2" : ""
        let blanks = String(repeating: " ", count: indent + 2)
        var lines = string.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return "|" + hint + chomping + lines.map { $0.isEmpty ? "\n" : "\n" + blanks + $0 }.joined()
    }

    private static func doubleQuoted(_ scalars: [Unicode.Scalar]) -> String {
        var text = "\""
        for scalar in scalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{00}": text += "\\0"
            case "\u{07}": text += "\\a"
            case "\u{08}": text += "\\b"
            case "\u{0B}": text += "\\v"
            case "\u{0C}": text += "\\f"
            case "\u{1B}": text += "\\e"
            default:
                guard isPrintable(scalar) else {
                    let digits = String(scalar.value, radix: 16, uppercase: true)
                    let width = scalar.value < 0x100 ? 2 : scalar.value < 0x10000 ? 4 : 8
                    text += ["\\x", "\\u", "\\U"][width == 2 ? 0 : width == 4 ? 1 : 2]
                    text += String(repeating: "0", count: width - digits.count) + digits
                    continue
                }
                text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7E, 0xA0...0xD7FF, 0xE000...0xFFFD: scalar.value != 0xFEFF
        default: false
        }
    }
}

extension PrintedValue {
    /// Something with lines of its own.
    fileprivate var isCollection: Bool {
        switch self {
        case .list(let list): !list.isEmpty
        case .object(let members): !members.isEmpty
        default: false
        }
    }
}
