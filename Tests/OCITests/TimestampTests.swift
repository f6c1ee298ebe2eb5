import OCI
import Testing

@Suite("A time")
struct TimestampTests {
    @Test(
        "is RFC 3339, and the same number of seconds in both directions",
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (951_868_799, "2000-02-29T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"),
            (-2_203_891_200, "1900-03-01T00:00:00Z"),
            (-62_135_596_800, "0001-01-01T00:00:00Z"), (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] as [(Int64, String)]
    )
    func seconds(seconds: Int64, text: String) {
        #expect(Timestamp(secondsSinceEpoch: seconds).description == text)
        #expect(Timestamp(text: text).secondsSinceEpoch == seconds)
    }

    @Test("has fractions without final zeros")
    func fractions() {
        for (nanoseconds, text) in [
            (1_500_000_000, "1970-01-01T00:00:01.5Z"), (1, "1970-01-01T00:00:00.000000001Z"),
            (-500_000_000, "1969-12-31T23:59:59.5Z"), (2_000_000_000, "1970-01-01T00:00:02Z"),
        ] as [(Int64, String)] {
            #expect(Timestamp(nanosecondsSinceEpoch: nanoseconds).description == text)
            #expect(Timestamp(text: text).nanosecondsSinceEpoch == nanoseconds)
            #expect(Timestamp(text: text).secondsSinceEpoch == nanoseconds / 1_000_000_000 - (nanoseconds < 0 ? 1 : 0))
        }
    }

    @Test("is clamped where nanoseconds cannot count it, and has no finer part than these")
    func clamped() {
        #expect(Timestamp(text: "0001-01-01T00:00:00Z").nanosecondsSinceEpoch == .min)
        #expect(Timestamp(text: "9999-12-31T23:59:59Z").nanosecondsSinceEpoch == .max)
        #expect(Timestamp(text: "1970-01-01T00:00:00.1234567899Z").nanosecondsSinceEpoch == 123_456_789)
        #expect(Timestamp(text: "yesterday").nanosecondsSinceEpoch == nil)
    }

    @Test(
        "is read with its distance from UTC",
        arguments: [
            ("1970-01-01T01:00:00+01:00", 0), ("1969-12-31T23:30:00-00:30", 0), ("1970-01-01T00:00:00.123456789Z", 0),
            ("1970-01-01T05:45:01.5+05:45", 1),
        ] as [(String, Int64)]
    )
    func zones(text: String, seconds: Int64) {
        #expect(Timestamp(text: text).secondsSinceEpoch == seconds)
    }

    @Test(
        "is none in another form, which programs in Go would refuse",
        arguments: [
            "1970-01-01 00:00:00Z", "1970-01-01T00:00:00", "1970-01-01T00:00:00x", "1970-01-01T00:00:00Zx",
            "1970/01/01T00:00:00Z", "1970-01-01T00-00-00Z", "1970-00-01T00:00:00Z", "1970-01-32T00:00:00Z",
            "1970-01-00T00:00:00Z", "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z", "1970-01-01T00:00:60Z",
            "1970-01-01T00:00:00+0100", "1970-01-01T00:00:00+01:0", "1970-01-01T00:00:00+24:00", "+970-01-01T00:00:00Z",
            "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00..5Z", "1970-02-30T00:00:00Z", "1900-02-29T00:00:00Z",
            "１９７０-01-01T00:00:00Z",
        ]
    )
    func malformed(text: String) {
        #expect(Timestamp(text: text).ifValid == nil)
    }
}
