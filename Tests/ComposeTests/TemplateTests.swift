import Testing

@testable import Compose

@Suite("Variables in text")
struct TemplateTests {
    private static let variables = ["SET": "value", "EMPTY": "", "OTHER": "other", "_U1": "u"]

    @Test(
        "are replaced by the rules of the specification",
        arguments: [
            ("plain", "plain"), ("$SET", "value"), ("${SET}", "value"), ("a${SET}b", "avalueb"), ("$SET-x", "value-x"),
            ("$$SET", "$SET"), ("$${SET}", "${SET}"), ("$$$SET", "$value"), ("$$$$", "$$"),
            ("$MISSING", ""), ("${MISSING}", ""), ("${EMPTY}", ""),
            ("${SET:-d}", "value"), ("${EMPTY:-d}", "d"), ("${MISSING:-d}", "d"),
            ("${SET-d}", "value"), ("${EMPTY-d}", ""), ("${MISSING-d}", "d"),
            ("${SET:?e}", "value"), ("${SET?e}", "value"), ("${EMPTY?e}", ""),
            ("${SET:+a}", "a"), ("${EMPTY:+a}", ""), ("${MISSING:+a}", ""),
            ("${SET+a}", "a"), ("${EMPTY+a}", "a"), ("${MISSING+a}", ""),
            ("${MISSING:-}", ""), ("${MISSING-}", ""), ("${SET:+}", ""),
            ("${MISSING:-$SET}", "value"), ("${MISSING:-${SET}}", "value"), ("${MISSING:-${GONE:-deep}}", "deep"),
            ("${MISSING:-${GONE:-${EMPTY:-${SET}}}}!", "value!"), ("${SET:+${OTHER}}", "other"),
            ("${MISSING:-a:-b}", "a:-b"), ("${MISSING:-http://h:80/?q=1}", "http://h:80/?q=1"),
            ("${MISSING:-{\"a\":1}}", "{\"a\":1}"), ("${MISSING:-$$x}", "$x"),
            ("$", "$"), ("$ a", "$ a"), ("$1", "$1"), ("a$", "a$"), ("${_U1}$_U1", "uu"), ("é$SET", "évalue"),
        ]
    )
    func values(text: String, expected: String) throws {
        #expect(try Template { Self.variables[$0] }.substitute(text) == expected)
    }

    @Test(
        "are an error where they are none or missing",
        arguments: [
            ("${", "invalid variable `${`: expected, for example, ${NAME} or ${NAME:-default}"),
            ("${}", "invalid variable `${}`: expected, for example, ${NAME} or ${NAME:-default}"),
            ("${1}", "invalid variable `${1}`: expected, for example, ${NAME} or ${NAME:-default}"),
            ("${A B}", "invalid variable `${A B}`: expected, for example, ${NAME} or ${NAME:-default}"),
            ("${SET:}", "invalid variable `${SET:}`: expected, for example, ${NAME} or ${NAME:-default}"),
            ("${SET!x}", "invalid variable `${SET!x}`: expected, for example, ${NAME} or ${NAME:-default}"),
            ("${SET", "invalid variable `${SET`: expected, for example, ${NAME} or ${NAME:-default}"),
            ("${MISSING?}", "the variable `MISSING` is required and not set"),
            ("${MISSING:?say $SET}", "the variable `MISSING` is required and not set: say value"),
            ("${EMPTY:?e}", "the variable `EMPTY` is required and not set: e"),
        ]
    )
    func failures(text: String, expected: String) {
        #expect {
            try Template { Self.variables[$0] }.substitute(text)
        } throws: {
            ($0 as? Template.Failure)?.message == expected
        }
    }

    @Test("are not nested without end")
    func depth() {
        let text = String(repeating: "${A:-", count: 10000) + "x" + String(repeating: "}", count: 10000)
        #expect(throws: Template.Failure.tooDeep) { try Template { _ in nil }.substitute(text) }
    }

    @Test("tell which ones are not set")
    func unset() throws {
        var names: [String] = []
        _ = try Template { _ in
            nil
        } unset: {
            names.append($0)
        }.substitute("$A ${B} ${C:-c} ${D+d}")
        #expect(names == ["A", "B"])
    }
}
