import Testing

@testable import Sandbox

@Suite("Ranges of subordinate IDs")
struct SubordinateRangeTests {
    @Test("are those of the user by name or number, whatever else is in the file")
    func ranges() {
        let text = """
            other:1:2
            me:100000:65536
            # comment
            me:x:1
            me:5:0
            me:4294967295:2
            1000:300000:1
            me:7
            me:200000:10:1
            """
        let found = SubordinateRange.all(in: text, of: ["me", "1000"])
        #expect(found == [SubordinateRange(first: 100_000, count: 65536), SubordinateRange(first: 300_000, count: 1)])
        #expect(SubordinateRange.all(in: "", of: ["me"]).isEmpty)
    }
}
