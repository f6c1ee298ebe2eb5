import Reporting
import Testing

@Suite struct DiagnosticRendererTests {
    private let source = SourceText(name: "Dockerfile", text: "FROM a AS build\nCOPY\t--form=build /é ü\n")

    @Test("place, excerpt, caret, label, notes and hints")
    func everything() {
        let diagnostic = Diagnostic(
            .error,
            "unknown flag `--form` for COPY",
            at: SourceRange(21, 27),
            label: "did you mean `--from`?",
            notes: [.init("stage `build` is declared here", at: SourceRange(0, 4))],
            hints: ["COPY accepts --from"]
        )
        #expect(
            DiagnosticRenderer().render(diagnostic, in: source) == """
                Dockerfile:2:6: error: unknown flag `--form` for COPY
                  2 | COPY    --form=build /é ü
                    |         ^~~~~~ did you mean `--from`?
                Dockerfile:1:1: note: stage `build` is declared here
                hint: COPY accepts --from

                """
        )
    }

    @Test("columns and carets count characters, not bytes")
    func unicode() {
        let text = DiagnosticRenderer().render(Diagnostic("odd", at: SourceRange(38, 40)), in: source)
        #expect(
            text == "Dockerfile:2:22: error: odd\n  2 | COPY    --form=build /é ü\n    |                         ^\n"
        )
    }

    @Test("a warning names its rule, and a message about the file has no line")
    func ruleAndFile() {
        let renderer = DiagnosticRenderer()
        let warning = Diagnostic(.warning, "casing", at: SourceRange(7, 9), rule: "FromAsCasing")
        #expect(renderer.render(warning, in: source).hasPrefix("Dockerfile:1:8: warning: casing [FromAsCasing]\n"))
        #expect(renderer.render(Diagnostic("empty", at: nil), in: source) == "Dockerfile: error: empty\n")
    }

    @Test("control characters never reach the terminal")
    func control() {
        let source = SourceText(name: "d\u{1B}[2J/Dockerfile", text: "RUN \u{1B}[31m\u{202E}x\u{2066}\u{9B}\n")
        let bad = "bad \u{1B}[0m\u{202E}"
        let range = SourceRange(4, 5)
        for place in [range, nil] {
            let diagnostic = Diagnostic(
                bad,
                at: place,
                label: bad,
                notes: [Diagnostic.Note(bad, at: range)],
                hints: [bad + "\nmore"]
            )
            let text = DiagnosticRenderer().render(diagnostic, in: source)
            #expect(!text.unicodeScalars.contains { $0 != "\n" && EscapedText.replaced($0) != $0 }, "\(text)")
            #expect(text.contains("hint: bad \\u{1b}[0m\\u{202e}\\nmore\n"), "\(text)")
        }
        // A character for a character, so that the caret stays where it belongs.
        #expect(
            DiagnosticRenderer().render(Diagnostic("", at: range), in: source).contains("RUN \u{FFFD}[31m\u{FFFD}x")
        )
    }

    @Test("several diagnostics are sorted by place")
    func sorted() {
        let error = DiagnosticsError(
            source: source,
            diagnostics: [Diagnostic("second", at: SourceRange(16, 20)), Diagnostic("first", at: SourceRange(0, 4))]
        )
        let text = DiagnosticRenderer().render(error)
        #expect(text.split(separator: "\n").first == "Dockerfile:1:1: error: first")
    }

    @Test("colour only adds escape codes")
    func colour() {
        let diagnostic = Diagnostic("odd", at: SourceRange(0, 4), hints: ["x"])
        let plain = DiagnosticRenderer().render(diagnostic, in: source)
        var coloured = DiagnosticRenderer(usesColour: true).render(diagnostic, in: source)
        #expect(coloured != plain)
        coloured.replace(/\u{1B}\[[0-9;]*m/, with: "")
        #expect(coloured == plain)
    }

    @Test(
        "spelling suggestions",
        arguments: [("RUNN", "RUN"), ("coppy", "COPY"), ("FORM", "FROM"), ("xyzzy", nil), ("", nil)]
            as [(String, String?)]
    )
    func suggestions(word: String, expected: String?) {
        #expect(SpellingSuggestion.closest(to: word, in: ["FROM", "RUN", "COPY"]) == expected)
    }
}
