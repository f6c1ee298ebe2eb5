import RemoteAddresses
import Synchronization
import Testing

@testable import HTTPTransport

@Suite struct RetryAfterTests {
    @Test(
        "how long a server asks to wait",
        arguments: [
            ("0", 0), ("1", 1), (" 120 ", 120), ("1.5", 1.5), ("1e9", 86_400), ("inf", 86_400), ("nan", nil),
            ("-1", nil),
            ("", nil), ("soon", nil), ("0x10", 16), ("Sun, 06 Nov 1994 08:49:47 GMT", 10),
            ("Sun, 06 Nov 1994 08:49:27 GMT", 0), ("Mon, 31 Dec 9999 23:59:60 GMT", 86_400),
            ("Sun, 06 Nov 99999 08:49:37 GMT", nil), ("Sun, 99 Nov 1994 08:49:37 GMT", nil),
            ("Sun, 06 Nov 1994 -8:49:37 GMT", nil), ("Sun, 06 Nov 1994 08:49 GMT", nil), ("6 Nov 1994", nil),
        ] as [(String, Double?)]
    )
    func seconds(field: String, seconds: Double?) {
        // Sun, 06 Nov 1994 08:49:37 GMT
        #expect(RetryAfter.seconds(field, now: 784_111_777) == seconds)
    }

    @Test(
        "dates of all years",
        arguments: [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
            ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800), ("Fri, 31 Dec 2100 23:59:59 GMT", 4_133_980_799),
        ] as [(String, Int64)]
    )
    func dates(text: String, seconds: Int64) { #expect(RetryAfter.date(text) == seconds) }
}
