import Testing

@testable import Images

@Suite("Tables")
struct TableTests {
    @Test(
        "sizes are read in decimal and binary units",
        arguments: [
            ("0", 0), ("12", 12), ("12B", 12), ("10MB", 10_000_000), ("10mb", 10_000_000), ("10M", 10_000_000),
            ("1.5kB", 1500), ("512KiB", 524_288), ("1GiB", 1 << 30), ("2TB", 2_000_000_000_000), ("", nil), ("MB", nil),
            ("-1", nil), ("1 MB", nil), ("1XB", nil), ("1iB", nil), ("1e3", nil), ("9999999999TB", nil), ("1.2.3", nil),
        ] as [(String, Int64?)]
    )
    func sizes(text: String, expected: Int64?) {
        #expect(HumanReadable.bytes(text) == expected)
    }

    @Test("a table that is wider than a narrow terminal becomes blocks, and is a table anywhere else")
    func narrow() {
        var table = TextTable(["NAME", "WHAT"])
        table.append(["a-name-that-is-long", ""])
        table.append(["b\u{1B}[2J", "x"])
        let blocks = "NAME: a-name-that-is-long\n\nNAME: b\\u{1b}[2J\nWHAT: x\n"
        #expect(table.render(width: 20) == blocks)
        let lines = table.render()
        #expect(lines.hasPrefix("NAME                  WHAT\n"))
        for width in [26, 80, 400] { #expect(table.render(width: width) == lines) }
    }
}
