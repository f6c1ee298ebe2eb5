import Reporting
import Testing

@testable import Compose

@Suite("A file of variables")
struct EnvironmentFileTests {
    @Test(
        "is read as Docker Compose reads it",
        arguments: [
            ("A=1", ["A": "1"]), ("A = 1 ", ["A": "1"]), ("export A=1", ["A": "1"]), ("A: 1", ["A": "1"]),
            ("# c\n\nA=1 # c\nB=2#x", ["A": "1", "B": "2#x"]), ("A='$OUTER \\n'", ["A": "$OUTER \\n"]),
            ("A=\"$OUTER \\n\\\"\"", ["A": "outer \n\""]), ("A=\"\\$OUTER\"", ["A": "$OUTER"]),
            ("A=1\nB=$A${A}", ["A": "1", "B": "11"]), ("A=\"x\ny\"\nB=1", ["A": "x\ny", "B": "1"]),
            ("A=", ["A": ""]), ("A=\nB=1", ["A": "", "B": "1"]), ("OUTER\nGONE\nA=1", ["OUTER": "outer", "A": "1"]),
            ("A=1\r\nB=2\r\n", ["A": "1", "B": "2"]), ("\u{FEFF}A=1", ["A": "1"]), ("A=a=b", ["A": "a=b"]),
            ("A=1\nA=2", ["A": "2"]), ("1A=x\nB=1", ["B": "1"]), ("A=${GONE:-d}", ["A": "d"]), ("", [:]), ("#", [:]),
        ]
    )
    func values(text: String, expected: [String: String]) throws {
        let file = try EnvironmentFile(parsing: SourceText(name: ".env", text: text)) {
            $0 == "OUTER" ? "outer" : nil
        }
        #expect(file.values == expected)
    }

    @Test(
        "says where it is wrong",
        arguments: [
            ("A=1\nB!=2", ".env:2:2: error: unexpected character in the name of a variable"),
            ("A B=2", ".env:1:3: error: expected `=` behind the name of a variable"),
            ("A=\"x\nB=1", ".env:1:3: error: a quote is not closed"),
            ("A=${", ".env:1:3: error: invalid variable `${`: expected, for example, ${NAME} or ${NAME:-default}"),
            ("A=${B:?no}", ".env:1:3: error: the variable `B` is required and not set: no"),
        ]
    )
    func failures(text: String, expected: String) {
        let error = #expect(throws: DiagnosticsError.self) {
            try EnvironmentFile(parsing: SourceText(name: ".env", text: text)) { _ in nil }
        }
        let printed = error.map { DiagnosticRenderer().render($0) } ?? ""
        #expect(printed.hasPrefix(expected + "\n"), "\(printed)")
    }

    @Test("is taken as it is with `format: raw`")
    func raw() {
        let text = "A=$B \"c\" # d\n# e\nF\n"
        #expect(EnvironmentFile(raw: SourceText(name: "e", text: text)).values == ["A": "$B \"c\" # d"])
    }
}
