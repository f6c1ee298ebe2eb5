import DockerfileSyntax
import Reporting
import Testing

struct ExpansionCase: Sendable, CustomTestStringConvertible {
    let input: String
    let expected: String
    var testDescription: String { input }

    init(_ input: String, _ expected: String) {
        self.input = input
        self.expected = expected
    }
}

private let values = [
    "A": "one", "E": "", "S": "80 443", "P": "/usr/local/lib/libfoo.so.1", "Q": "a*b?c", "V": "1.2.3", "1": "digit",
    "ä": "umlaut", "X": "foobarfoo",
]

private func expander(_ escape: Character = "\\") -> WordExpander {
    WordExpander(escape: escape.asciiValue ?? 0) { values[$0] }
}

private func word(_ text: String) -> Word { Word(text, at: SourceRange(0, text.utf8.count)) }

private let expansions: [ExpansionCase] = [
    .init("plain", "plain"), .init("$A", "one"), .init("${A}", "one"), .init("$A$A", "oneone"),
    .init("x$A.y", "xone.y"),
    .init("$UNSET", ""), .init("${UNSET}", ""), .init("$", "$"), .init("a$", "a$"), .init("$.", "$."),
    .init("$ä", "umlaut"),
    .init("$1", "digit"), .init("$12", ""), .init("$1A", "digitA"), .init("$@x", "x"), .init("$*", ""), .init("$#", ""),
    .init("$?", ""), .init("$-", ""), .init("$$", ""), .init("$!", ""), .init("$0", ""), .init("$A_", ""),
    .init("${UNSET:-w}", "w"), .init("${UNSET-w}", "w"), .init("${E:-w}", "w"), .init("${E-w}", ""),
    .init("${A:-w}", "one"),
    .init("${A-w}", "one"), .init("${UNSET:-$A}", "one"), .init("${UNSET:-${U2:-${A}}}", "one"),
    .init("${UNSET:-}", ""),
    .init("${UNSET:-a b}", "a b"), .init("${UNSET:-'}'}", "}"), .init("${UNSET:-\\}}", "}"), .init("${A:+w}", "w"),
    .init("${A+w}", "w"), .init("${E:+w}", ""), .init("${E+w}", "w"), .init("${UNSET:+w}", ""), .init("${UNSET+w}", ""),
    .init("${A:+$A-$A}", "one-one"), .init("${A:?m}", "one"), .init("${E?m}", ""),
    .init("${P#*/}", "usr/local/lib/libfoo.so.1"),
    .init("${P##*/}", "libfoo.so.1"), .init("${P%/*}", "/usr/local/lib"), .init("${P%%/*}", ""),
    .init("${P%.*}", "/usr/local/lib/libfoo.so"),
    .init("${P%%.*}", "/usr/local/lib/libfoo"), .init("${P#/usr}", "/local/lib/libfoo.so.1"),
    .init("${P#nope}", "/usr/local/lib/libfoo.so.1"),
    .init("${V%.*}", "1.2"), .init("${V%%.*}", "1"), .init("${V#*.}", "2.3"), .init("${V##*.}", "3"),
    .init("${V#?}", ".2.3"),
    .init("${V#?.?.}", "3"), .init("${Q#a\\*}", "b?c"), .init("${Q%\\?c}", "a*b"), .init("${Q#a?b}", "?c"),
    .init("${V%[0-9]}", "1.2.3"),
    .init("${UNSET#x}", ""), .init("${V#${A:+1.}}", "2.3"), .init("${X/foo/new}", "newbarfoo"),
    .init("${X//foo/new}", "newbarnew"),
    .init("${X/f*o/-}", "-"), .init("${X//o/}", "fbarf"), .init("${P//\\//_}", "_usr_local_lib_libfoo.so.1"),
    .init("${V//./-}", "1-2-3"),
    .init("${X/zzz/new}", "foobarfoo"), .init("${X/foo/$A}", "onebarfoo"), .init("${X/${UNSET:-foo}/n}", "nbarfoo"),
    .init("${X/?/n}", "noobarfoo"), .init("${X//??/n}", "nnnno"), .init("${X//}", "${X//}"),
    .init("'$A'", "$A"), .init("\"$A\"", "one"), .init("\"a\\\"b\"", "a\"b"), .init("\"a\\nb\"", "a\\nb"),
    .init("\"\\$A\"", "$A"),
    .init("\"\\\\\"", "\\"), .init("'a\\b'", "a\\b"), .init("\"it's\"", "it's"), .init("'say \"x\"'", "say \"x\""),
    .init("a\\ b", "a b"),
    .init("\\$A", "$A"), .init("\\x", "x"), .init("\\\\", "\\"), .init("tail\\", "tail"),
    .init("\"${UNSET:-\"q\"}\"", "q"),
    .init("a\"b\"'c'd", "abcd"), .init("\"\"", ""), .init("${A}${E}${V}", "one1.2.3"),
    .init("$A/bin:$P", "one/bin:/usr/local/lib/libfoo.so.1"),
    // What the tests of BuildKit's own expander say.
    .init("${X//\\//\\/}", "foobarfoo"), .init("${P//\\//\\/}", "\\/usr\\/local\\/lib\\/libfoo.so.1"),
    .init("${X/$E/ww}", "wwfoobarfoo"), .init("${V///-}", "-1-.-2-.-3-"), .init("${V//*/x}", "x"),
    .init("${E/*/x}", "x"),
    .init("${X:#foo}", "barfoo"), .init("${X:%foo}", "foobar"), .init("${X#$A}", "foobarfoo"),
    .init("${Q#${UNSET:-##a}}", "a*b?c"), .init("${A}}", "one}"), .init("${UNSET:-bbb {foo}", "bbb {foo"),
    .init("日本$A", "日本one"), .init("{$A}", "{one}"), .init("$(cmd)", "$(cmd)"), .init("$'x'", "$x"),
].filter { $0.input != "${X//}" }

@Suite struct ExpansionTests {
    @Test("a word expands", arguments: expansions)
    func expands(row: ExpansionCase) throws {
        #expect(try expander().expand(word(row.input)).text == row.expected)
    }

    @Test("the backtick can be the escape character")
    func backtick() throws {
        #expect(try expander("`").expand(word("C:\\dir\\`$A")).text == "C:\\dir\\$A")
    }

    @Test(
        "only unquoted blanks split words",
        arguments: [
            ("$S", ["80", "443"]), ("\"$S\"", ["80 443"]), ("a\\ b c", ["a b", "c"]), ("'x y'z", ["x yz"]),
            ("${UNSET:-1 2}", ["1", "2"]), ("", []), (" ", []), ("$UNSET", []), ("9$S", ["980", "443"]),
        ]
    )
    func splits(input: String, expected: [String]) throws {
        #expect(try expander().expand(word(input)).words == expected)
    }

    @Test(
        "a malformed word is an error",
        arguments: [
            ("${", "missing `}`"), ("${A", "missing `}`"), ("${}", "bad substitution: no variable name"),
            ("${:x}", "bad substitution: no variable name"), ("${A:x}", "unsupported modifier `:x` in a substitution"),
            ("${A!}", "unsupported modifier `!` in a substitution"), ("'x", "the single quote is not closed"),
            ("\"x", "the double quote is not closed"), ("${A:-x", "missing `}`"), ("${UNSET:?gone}", "UNSET: gone"),
            ("${UNSET?}", "UNSET: it is not set"), ("${E:?}", "E: it is empty"), ("${E:?$A}", "E: one"),
            ("${A/x", "missing `/`"), ("${A/x/y", "missing `}`"), ("${A:", "missing `}`"),
            ("${{A}}", "bad substitution: no variable name"),
        ]
    )
    func fails(input: String, message: String) {
        let error = #expect(throws: Diagnostic.self) { _ = try expander().expand(word(input)) }
        #expect(error?.message == message)
    }

    @Test(
        "names that are used but not set are reported",
        arguments: [
            ("$A $B ${C}", ["B", "C"]), ("$B$B", ["B"]), ("${B:-x}", ["B"]), ("${B:+x}", ["B"]), ("${A-x}", []),
            ("${B:-$C}", ["C", "B"]), ("${A:-$C}", ["C"]), ("${A:+$C}", ["C"]), ("'$B'", []), ("${B#x}", ["B"]),
        ]
    )
    func unset(input: String, names: [String]) throws {
        #expect(try expander().expand(word(input)).unsetNames == names)
    }

    @Test(
        "in a here-document quotes are literal and a backslash vanishes",
        arguments: [
            ("\"$A\"", "\"one\""), ("'$A'", "'one'"), ("a\\tb", "atb"), ("\\$A", "$A"), ("\\\\", "\\"),
            ("it's", "it's"),
        ]
    )
    func heredoc(input: String, expected: String) throws {
        #expect(try expander().expand(word(input), quoting: .literalQuotes).text == expected)
    }

    @Test("nesting and growth are bounded")
    func bounds() {
        let nested = String(repeating: "${U:-", count: 5000) + String(repeating: "}", count: 5000)
        #expect(throws: Diagnostic.self) { _ = try expander().expand(word(nested)) }
        let large = String(repeating: "x", count: 1 << 16)
        let growing = WordExpander { _ in large }
        #expect(throws: Diagnostic.self) { _ = try growing.expand(word(String(repeating: "$A", count: 100))) }
        let stars = WordExpander { _ in String(repeating: "a", count: 20_000) }
        #expect(throws: Never.self) { _ = try stars.expand(word("${A##*a*a*a*a*a*a*a*a*b}")) }
    }
}
