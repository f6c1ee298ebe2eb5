import Testing

@testable import TerminalUI

@Suite("A line of a process on a terminal")
struct TerminalTextTests {
    @Test(
        "moves no cursor, and keeps only colours",
        arguments: [
            ("plain", "plain", "plain"), ("a\u{1B}[2Jb", "ab", "ab"),
            ("\u{1B}[31mred", "red", "\u{1B}[31mred\u{1B}[0m"),
            ("10%\r20%\r100%\r", "100%", "100%"), ("a\tb", "a       b", "a       b"),
            ("\u{1B}]0;title\u{7}x", "x", "x"),
            ("\u{1B}]0;title\u{1B}\\x", "x", "x"), ("\u{9B}5Ax", "x", "x"), ("\u{1B}(Bx", "x", "x"),
            ("\u{1B}cx", "x", "x"),
            ("a\u{8}\u{7}b", "ab", "ab"), ("\u{1B}[", "", ""), ("\u{1B}", "", ""),
            ("a\u{202E}b", "a\\u{202e}b", "a\\u{202e}b"),
            ("\u{1B}[?25lx", "x", "x"), ("\u{1B}P1$q\u{9C}y", "y", "y"),
            ("\u{1B}[1;31m\rx", "x", "\u{1B}[0mx\u{1B}[0m"),
        ]
    )
    func line(text: String, plain: String, coloured: String) {
        #expect(TerminalText.line(text.utf8, keepsColours: false) == plain)
        #expect(TerminalText.line(text.utf8, keepsColours: true) == coloured)
    }

    @Test("is text whatever bytes it has")
    func bytes() {
        #expect(TerminalText.line([0xFF, 0x61, 0xC3], keepsColours: false) == "\u{FFFD}a\u{FFFD}")
        for byte in UInt8.min ... .max {
            for next in UInt8.min ... .max {
                let line = TerminalText.line([0x1B, byte, next, 0x41], keepsColours: false)
                #expect(!line.unicodeScalars.contains { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) })
            }
        }
    }

    @Test("is cut to the columns that there are, of which some characters take two")
    func width() {
        #expect(TerminalText.width("a漢e\u{301}") == 4)
        #expect(TerminalText.fitting("abcdef", 6) == "abcdef")
        #expect(TerminalText.fitting("abcdef", 4) == "abc…")
        #expect(TerminalText.fitting("漢字漢字", 4) == "漢…")
        #expect(TerminalText.fitting("abc", 0) == "")
        #expect(TerminalText.fitting("abc", 1) == "…")
    }
}
