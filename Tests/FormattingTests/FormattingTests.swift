import Formatting
import Testing

@Suite("Numbers and tables for people")
struct FormattingTests {
    @Test(
        "sizes are read in decimal and binary units",
        arguments: [
            ("0", 0), ("12", 12), ("12B", 12), ("10MB", 10_000_000), ("10mb", 10_000_000), ("10M", 10_000_000),
            ("1.5kB", 1500), ("512KiB", 524_288), ("1GiB", 1 << 30), ("2TB", 2_000_000_000_000), ("", nil), ("MB", nil),
            ("-1", nil), ("1 MB", nil), ("1XB", nil), ("1iB", nil), ("1e3", nil), ("9999999999TB", nil), ("1.2.3", nil),
        ] as [(String, Int64?)]
    )
    func sizes(text: String, expected: Int64?) {
        #expect(ByteSize.decimal(text) == expected)
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

    @Test("sizes of memory have suffixes in powers of 1024")
    func memory() {
        for (text, size) in [
            ("0", 0), ("12", 12), ("1k", 1024), ("2M", 2 << 20), ("3gb", 3 << 30), ("1KiB", 1024), ("7b", 7),
        ] as [(String, Int64)] {
            #expect(ByteSize.binary(text) == size, "\(text)")
        }
        for text in ["", "k", "-1", "1.5m", "9223372036854775807k", "1kk", "0x1"] {
            #expect(ByteSize.binary(text) == nil, "\(text)")
        }
    }

    @Test(
        "sizes are as Docker prints them",
        arguments: [
            (0, "0B"), (11, "11B"), (999, "999B"), (1000, "1kB"), (4200, "4.2kB"), (4_261_502, "4.26MB"),
            (130_000_000, "130MB"),
            (1_234_567_890, "1.23GB"), (99_950, "100kB"), (9_999, "10kB"), (Int64.max, "9.22EB"), (-5, "0B"),
        ] as [(Int64, String)]
    )
    func written(bytes: Int64, text: String) { #expect(HumanReadable.size(bytes) == text) }

    @Test(
        "ages are as Docker prints them",
        arguments: [
            (0, "Less than a second ago"), (1, "1 second ago"), (59, "59 seconds ago"), (60, "About a minute ago"),
            (120, "2 minutes ago"), (3600, "About an hour ago"), (7200, "2 hours ago"), (86400 * 3, "3 days ago"),
            (86400 * 20, "2 weeks ago"), (86400 * 100, "3 months ago"), (86400 * 365 * 3, "3 years ago"),
            (-10, "Less than a second ago"),
        ] as [(Int64, String)]
    )
    func ages(seconds: Int64, text: String) {
        #expect(HumanReadable.age(secondsSinceEpoch: 1_000_000_000 - seconds, now: 1_000_000_000) == text)
        #expect(HumanReadable.age(secondsSinceEpoch: .min, now: .max).hasSuffix("ago"))
    }

    @Test("are aligned and hold no control characters")
    func table() {
        var table = TextTable(["IMAGE", "SIZE"])
        table.append(["a\u{1B}[31m\nb", "1B"])
        #expect(table.render() == "IMAGE            SIZE\na\\u{1b}[31m\\nb   1B\n")
    }

    @Test(
        "Go durations",
        arguments: [
            ("0", 0), ("30s", 30_000_000_000), ("1m30s", 90_000_000_000), ("1.5s", 1_500_000_000),
            ("100ms", 100_000_000),
            ("1h", 3_600_000_000_000), ("2us", 2000), ("-1s", -1_000_000_000), (".5s", 500_000_000),
            ("1.5h", 5_400_000_000_000),
        ] as [(String, Int64)]
    )
    func durations(text: String, nanoseconds: Int64) {
        #expect(GoDuration.nanoseconds(text) == nanoseconds)
    }

    @Test("malformed durations", arguments: ["", "5", "s", "1x", "1 s", "99999999999h", ".s", "1s5"])
    func malformed(text: String) { #expect(GoDuration.nanoseconds(text) == nil) }

    @Test(
        "times that something took have a decimal, and minutes from one on",
        arguments: [
            (-1, "0.0s", "0.00s"), (20_000_000, "0.0s", "0.02s"), (1_249_999_999, "1.2s", "1.25s"),
            (59_949_999_999, "59.9s", "59.95s"), (59_960_000_000, "1m0s", "1m0s"), (125_000_000_000, "2m5s", "2m5s"),
        ] as [(Int64, String, String)]
    )
    func elapsed(nanoseconds: Int64, short: String, long: String) {
        #expect(HumanReadable.elapsed(nanoseconds: nanoseconds) == short)
        #expect(HumanReadable.elapsed(nanoseconds: nanoseconds, decimals: 2) == long)
    }

    @Test(
        "ages may be in days",
        arguments: [
            ("7d", 604_800_000_000_000), ("24h", 86_400_000_000_000), ("-1h", nil), ("-1d", nil), ("d", nil),
            ("9999999999999999d", nil),
        ] as [(String, Int64?)]
    )
    func ages(text: String, nanoseconds: Int64?) { #expect(GoDuration.age(text) == nanoseconds) }
}
