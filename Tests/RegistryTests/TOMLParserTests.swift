import Testing

@testable import Registry

@Suite struct TOMLParserTests {
    private func parse(_ text: String) throws -> TOMLValue { try TOMLParser.parse(Array(text.utf8)) }

    @Test(
        "values",
        arguments: [
            (#""a\tb\u00e9\U0001F600\"""#, TOMLValue.string("a\tbé😀\"")), ("'C:\\x'", .string("C:\\x")),
            ("\"\"\"\na\\\n   b\r\nc\"\"\"", .string("ab\nc")), ("'''\n'a''b'''", .string("'a''b")),
            (#""""a"""""#, .string("a\"")), ("true", .boolean(true)), ("false", .boolean(false)),
            ("+1_000", .integer(1000)), ("-0", .integer(0)), ("0xDEAD_beef", .integer(0xDEAD_BEEF)),
            ("0o17", .integer(15)),
            ("0b101", .integer(5)), ("9223372036854775807", .integer(.max)), ("1e3", .float(1000)),
            ("-3.25E-2", .float(-0.0325)), ("inf", .float(.infinity)), ("1979-05-27", .time("1979-05-27")),
            ("07:32:00.5", .time("07:32:00.5")), ("1979-05-27 07:32:00Z", .time("1979-05-27 07:32:00Z")),
            ("1979-05-27T00:32:00-07:00", .time("1979-05-27T00:32:00-07:00")),
            ("[ 1, # one\n 2,\n]", .array([.integer(1), .integer(2)])), ("[]", .array([])),
            ("{ a.b = 1, c = 'd' }", .table(["a": .table(["b": .integer(1)]), "c": .string("d")])), ("{}", .table([:])),
        ]
    )
    func values(text: String, value: TOMLValue) throws {
        #expect(try parse("x = \(text) # comment\n") == .table(["x": value]))
        #expect(try parse("x=\(text)") == .table(["x": value]))
    }

    @Test("tables, arrays of tables, and dotted and quoted keys")
    func tables() throws {
        let text = """
            top.a = 1
            top."b c" = 2

            [[registry]]
            location = "one"
            [[registry.mirror]]
            location = "m1"
            [[ registry . mirror ]]
            location = "m2"
            [[registry]]
            location = "two"
            [x.y.z]
            k = 1
            [x]
            k = 2
            [x.y]
            k = 3
            """
        let expected: TOMLValue = .table([
            "top": .table(["a": .integer(1), "b c": .integer(2)]),
            "registry": .array([
                .table([
                    "location": .string("one"),
                    "mirror": .array([.table(["location": .string("m1")]), .table(["location": .string("m2")])]),
                ]),
                .table(["location": .string("two")]),
            ]),
            "x": .table(["y": .table(["z": .table(["k": .integer(1)]), "k": .integer(3)]), "k": .integer(2)]),
        ])
        #expect(try parse(text) == expected)
        #expect(
            try parse(text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n"))
                == expected
        )
    }

    @Test(
        "what is no TOML",
        arguments: [
            "[.a]", "[a.]", "[]", "[[a]", "[a", "[a] b", "a", "a =", "= 1", "a = 1 b = 2", "a b = 1", "a = [1",
            "a = [1 2]",
            "a = {b = 1", "a = {b = 1,}", "a = {b = 1\n}", "a = \"x", "a = \"x\ny\"", "a = \"\\q\"", "a = \"\\uD800\"",
            "a = \"\\u12\"", "a = '''x", "a = \"\"\"x\"\"\"\"\"\"", "a = 01", "a = 1_", "a = _1", "a = 1__0", "a = 0x",
            "a = 0x-1",
            "a = +0x1", "a = 1.", "a = .5", "a = 1e", "a = ++1", "a = 9223372036854775808", "a = True",
            "a = 2021-02-30",
            "a = 25:00:00", "a = 2021-01-01T", "a = 1\na = 2", "a = 1\na.b = 2", "[a]\n[a]", "a = 1\n[a]", "[[a]]\n[a]",
            "[a]\n[[a]]", "a = []\n[[a]]", "a = {}\n[a.b]", "a = {}\na.b = 1", "[a.b]\n[a]\nb.c = 1", "a.b = 1\n[a]",
            "# \u{1}",
            "a = 1 # \u{7F}", "a = \"\u{1}\"", "\u{FEFF}a = 1", "a\u{2028}= 1", "a = 1\rb = 2",
        ]
    )
    func errors(text: String) {
        #expect(throws: TOMLError.self) { try parse(text) }
    }

    @Test("an error names its line")
    func line() {
        #expect(throws: TOMLError(line: 3, reason: "a key is expected")) { try parse("# one\na = 1\n[.b]\n") }
        #expect(throws: TOMLError(line: 1, reason: "it is not UTF-8")) { try TOMLParser.parse([0x61, 0xFF]) }
    }

    @Test("nesting without end is an error", arguments: ["[", "{a=", "{a.b.c.d="])
    func depth(opening: String) {
        #expect(throws: TOMLError.self) { try parse("a = " + String(repeating: opening, count: 100_000)) }
        #expect(throws: TOMLError.self) { try parse("a" + String(repeating: ".a", count: 100_000) + " = 1") }
    }
}
