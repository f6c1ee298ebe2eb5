import Testing

@testable import Commands

@Suite("Usage errors")
struct UsageMessageTests {
    @Test("of which the argument parser complains are told as everything else is")
    func usageMessages() {
        #expect(
            UsageMessage.rewritten("Error: The value 'a' is invalid. Please provide one of 'b' or 'c'.\nUsage: x")
                == "error: the value `a` is invalid: it is one of `b` or `c`\nUsage: x"
        )
        #expect(UsageMessage.rewritten("OVERVIEW: x") == "OVERVIEW: x")
    }
}
