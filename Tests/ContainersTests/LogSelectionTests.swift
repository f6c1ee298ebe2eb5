internal import Testing

@testable internal import Containers
@testable internal import OCI

@Suite("Which output is shown")
struct LogSelectionTests {
    private func isShown(_ time: String, since: String? = nil, until: String? = nil) -> Bool {
        var selection = LogSelection()
        selection.since = since.flatMap { Timestamp(text: $0).nanosecondsSinceEpoch }
        selection.until = until.flatMap { Timestamp(text: $0).nanosecondsSinceEpoch }
        return selection.includes(LogEntry(log: "line\n", stream: .output, time: Timestamp(text: time)))
    }

    @Test("is told by instants, not by how they are written")
    func instants() {
        let whole = "2026-01-02T15:04:05Z"
        #expect(isShown("2026-01-02T15:04:05.5Z", since: whole))
        #expect(isShown(whole, since: whole) && isShown(whole, until: whole))
        #expect(!isShown("2026-01-02T15:04:05.5Z", until: whole))
        #expect(!isShown("2026-01-02T15:04:05.5Z", since: "2026-01-02T15:04:05.51Z"))
        #expect(isShown("2026-01-02T15:04:05.5Z", since: "2026-01-02T17:04:05.49+02:00"))
    }

    @Test("is nothing where the end is before the beginning, and everything without limits")
    func limits() {
        #expect(!isShown("2026-01-02T00:00:00Z", since: "2027-01-01T00:00:00Z", until: "2025-01-01T00:00:00Z"))
        #expect(isShown("2026-01-02T00:00:00Z") && isShown("no time"))
    }
}
