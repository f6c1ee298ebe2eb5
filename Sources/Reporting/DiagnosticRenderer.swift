/// Writes diagnostics as text: `path:line:column: error: …`, the line, a caret, notes and hints.
///
/// The format is fixed; editors jump by it, and tests compare it.
public struct DiagnosticRenderer: Sendable {
    /// Whether ANSI colours are used, never as the only carrier of meaning.
    public var usesColour: Bool

    /// Tab stops are this far apart in excerpts.
    private static let tabWidth = 4
    /// Longer lines are cut around the caret.
    private static let longestExcerpt = 240

    /// Creates a renderer.
    public init(usesColour: Bool = false) {
        self.usesColour = usesColour
    }

    /// The text of all diagnostics of an error, each ending in a line break.
    public func render(_ error: DiagnosticsError) -> String {
        error.diagnostics.map { render($0, in: error.source) }.joined()
    }

    /// The text of one diagnostic, ending in a line break.
    public func render(_ diagnostic: Diagnostic, in source: SourceText) -> String {
        let rule = diagnostic.rule.map { " [\($0)]" } ?? ""
        var text = heading(diagnostic.severity, diagnostic.message + rule, at: diagnostic.range, in: source)
        if let range = diagnostic.range {
            text += excerpt(range, in: source, label: diagnostic.label, severity: diagnostic.severity)
        } else if let label = diagnostic.label {
            text += "  \(EscapedText.escaped(label))\n"
        }
        for note in diagnostic.notes {
            text += heading(.note, note.message, at: note.range, in: source)
        }
        for hint in diagnostic.hints {
            text += "\(coloured("hint:", "1;36")) \(EscapedText.escaped(hint))\n"
        }
        return text
    }

    private func heading(
        _ severity: Diagnostic.Severity,
        _ message: String,
        at range: SourceRange?,
        in source: SourceText
    ) -> String {
        let name = EscapedText.escaped(source.name)
        let place =
            range.map { "\(name):\(source.line(at: $0.start)):\(source.column(at: $0.start)):" } ?? "\(name):"
        let word = coloured("\(severity.rawValue):", Self.colour(of: severity))
        return "\(coloured(place, "1")) \(word) \(EscapedText.escaped(CredentialMask.masked(message)))\n"
    }

    private func excerpt(
        _ range: SourceRange,
        in source: SourceText,
        label: String?,
        severity: Diagnostic.Severity
    ) -> String {
        let line = source.line(at: range.start)
        let bytes = source.lineBytes(line)
        let start = min(max(range.start - bytes.startIndex, 0), bytes.count)
        let end = min(max(range.end - bytes.startIndex, start), bytes.count)

        var expanded = Self.expand(bytes.prefix(start))
        let caretColumn = expanded.count
        expanded = Self.expand(bytes.prefix(end))
        let caretWidth = max(1, expanded.count - caretColumn)
        expanded = Self.expand(bytes)

        var shown = expanded[...]
        var cut = 0
        if expanded.count > Self.longestExcerpt {
            cut = max(0, min(caretColumn - 40, expanded.count - Self.longestExcerpt))
            shown = expanded[cut..<min(cut + Self.longestExcerpt, expanded.count)]
        }
        let number = String(line)
        let gutter = String(repeating: " ", count: number.utf8.count)
        let width = max(1, min(caretWidth, shown.count - (caretColumn - cut)))
        let caret = "^" + String(repeating: "~", count: width - 1)
        var text = "  \(number) | "
        text.unicodeScalars.append(contentsOf: shown)
        while text.last == " " { text.removeLast() }
        text += "\n  \(gutter) | " + String(repeating: " ", count: caretColumn - cut)
        text += coloured(caret, Self.colour(of: severity))
        if let label { text += " " + EscapedText.escaped(label) }
        return text + "\n"
    }

    /// The text of a line with tabs as blanks and control characters made visible.
    private static func expand(_ bytes: ArraySlice<UInt8>) -> [Unicode.Scalar] {
        var scalars: [Unicode.Scalar] = []
        for scalar in String(decoding: CredentialMask.masked(bytes) ?? bytes, as: UTF8.self).unicodeScalars {
            if scalar == "\t" {
                repeat { scalars.append(" ") } while scalars.count % tabWidth != 0
            } else {
                scalars.append(EscapedText.replaced(scalar))
            }
        }
        return scalars
    }

    private static func colour(of severity: Diagnostic.Severity) -> String {
        switch severity {
        case .error: "1;31"
        case .warning: "1;33"
        case .note: "1;34"
        }
    }

    private func coloured(_ text: String, _ code: String) -> String {
        usesColour ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
