import Testing

@testable import Reporting

@Suite("Text of strangers")
struct EscapedTextTests {
    @Test(
        "loses its control characters and nothing else",
        arguments: [
            ("plain ä 日本 🎉", "plain ä 日本 🎉"), ("a\nb\tc\r", "a\\nb\\tc\\r"), ("\u{1B}[31m", "\\u{1b}[31m"),
            ("\u{9B}2J", "\\u{9b}2J"), ("a\u{202E}b", "a\\u{202e}b"), ("\u{7F}\u{0}", "\\u{7f}\\u{0}"),
            ("zero\u{200B}width", "zero\\u{200b}width"), ("\r\n", "\\r\\n"), ("", ""),
        ]
    )
    func strings(text: String, expected: String) {
        #expect(EscapedText.escaped(text) == expected)
        #expect(EscapedText.escaped(Array(text.utf8)) == expected)
    }

    @Test(
        "stays the same JSON, spelt without them",
        arguments: [
            ("{\n  \"a\" : \"b\"\n}", "{\n  \"a\" : \"b\"\n}"), ("[\"a\u{202E}b\"]", #"["a\u202eb"]"#),
            ("[\"\u{9B}2J\u{7F}\"]", #"["\u009b2J\u007f"]"#), ("[\"\u{E0001}ä\"]", #"["\udb40\udc01ä"]"#),
        ]
    )
    func json(text: String, expected: String) {
        #expect(EscapedText.escaped(json: Array(text.utf8)) == Array(expected.utf8))
    }

    @Test(
        "shows bytes that are not UTF-8 as such",
        arguments: [
            ([0xFF], "\\xff"), ([0x61, 0xC3], "a\\xc3"), ([0xC3, 0xA4], "ä"), ([0xC3, 0x28], "\\xc3("),
            ([0xE2, 0x82], "\\xe2\\x82"), ([0xED, 0xA0, 0x80], "\\xed\\xa0\\x80"), ([0xC0, 0x80], "\\xc0\\x80"),
            ([0x9B, 0x41], "\\x9bA"), ([0xF0, 0x9F, 0x8E, 0x89, 0xF5], "🎉\\xf5"), ([0x0A], "\\n"),
        ] as [([UInt8], String)]
    )
    func bytes(bytes: [UInt8], expected: String) {
        #expect(EscapedText.escaped(bytes) == expected)
    }
}
