internal import Reporting

/// Text as it may stand on a terminal among lines of ours: it moves no cursor, ends no line, and has a known width.
public enum TerminalText {
    /// One line of what a process wrote, without its end.
    ///
    /// Escape sequences are left out, colours excepted where they are wanted; what a carriage return lets the process
    /// write over is left out too. Bytes that are not UTF-8 become U+FFFD.
    public static func line(_ bytes: some Collection<UInt8>, keepsColours: Bool) -> String {
        var scalars = Array(String(decoding: bytes, as: UTF8.self).unicodeScalars)[...]
        while scalars.last == "\r" { scalars.removeLast() }
        var text = String.UnicodeScalarView()
        var (column, isColoured) = (0, false)
        while let scalar = scalars.popFirst() {
            switch scalar {
            case "\u{1B}", "\u{80}"..."\u{9F}":
                if let colour = skip(scalar, &scalars), keepsColours {
                    text.append(contentsOf: "\u{1B}[\(colour)m".unicodeScalars)
                    isColoured = true
                }
            case "\r":
                (text, column) = (String.UnicodeScalarView(), 0)
                if isColoured { text.append(contentsOf: "\u{1B}[0m".unicodeScalars) }
            case "\t":
                let width = 8 - column % 8
                text.append(contentsOf: String(repeating: " ", count: width).unicodeScalars)
                column += width
            case "\u{0}"..."\u{1F}", "\u{7F}": continue
            default:
                column += width(scalar)
                // Below, there is nothing that could hide or reorder text.
                if scalar.value < 0x061C {
                    text.append(scalar)
                } else {
                    text.append(contentsOf: EscapedText.escaped(String(scalar)).unicodeScalars)
                }
            }
        }
        return String(text) + (isColoured ? "\u{1B}[0m" : "")
    }

    /// Takes the rest of an escape sequence away (ECMA-48).
    ///
    /// - Returns: The parameters of one that sets colours.
    private static func skip(_ introducer: Unicode.Scalar, _ rest: inout ArraySlice<Unicode.Scalar>) -> String? {
        var kind = introducer
        if introducer == "\u{1B}" {
            guard let next = rest.popFirst() else { return nil }
            // A C1 character in seven bits.
            kind = ("@"..."_").contains(next) ? Unicode.Scalar(UInt8(next.value + 0x40)) : next
        }
        switch kind {
        case "\u{9B}":
            let parameters = rest.prefix { ("\u{20}"..."\u{3F}").contains($0) }
            rest = rest.dropFirst(parameters.count)
            guard let last = rest.popFirst(), last == "m" else { return nil }
            let isPlain = parameters.allSatisfy { ("0"..."9").contains($0) || $0 == ";" || $0 == ":" }
            return isPlain ? String(String.UnicodeScalarView(parameters)) : nil
        case "\u{90}", "\u{98}", "\u{9D}", "\u{9E}", "\u{9F}":
            // Strings, up to BEL or ST.
            while let scalar = rest.popFirst(), scalar != "\u{07}", scalar != "\u{9C}" {
                guard scalar == "\u{1B}" else { continue }
                if rest.first == "\\" { rest.removeFirst() }
                break
            }
        case "\u{20}"..."\u{2F}":
            rest = rest.drop { ("\u{20}"..."\u{2F}").contains($0) }.dropFirst()
        default: break
        }
        return nil
    }

    /// The columns of a text without control characters.
    static func width(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + width($1) } }

    /// As much of a text without control characters as fits, with an ellipsis where something is missing.
    static func fitting(_ text: String, _ columns: Int) -> String {
        guard width(text) > columns else { return text }
        var (result, rest) = (String.UnicodeScalarView(), columns - 1)
        for scalar in text.unicodeScalars {
            rest -= width(scalar)
            if rest < 0 { break }
            result.append(scalar)
        }
        return columns > 0 ? String(result) + "…" : ""
    }

    /// Those of the East Asian scripts and the pictures take two columns, marks on others none (Unicode TR 11).
    private static func width(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.value {
        case ..<0x300: 1
        case 0x300...0x36F, 0x200B...0x200F, 0x20D0...0x20FF, 0xFE00...0xFE0F, 0xFE20...0xFE2F: 0
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF,
            0x20000...0x3FFFD:
            2
        default: 1
        }
    }
}
