import Testing

@testable import ContainerRuntime

@Suite("Secrets in the output")
struct OutputRedactionTests {
    private func shown(_ pieces: [String], hiding secrets: [String]) -> String {
        var redaction = OutputRedaction(secrets.map { Array($0.utf8) })
        let bytes = pieces.flatMap { redaction.redact(Array($0.utf8)) } + redaction.finish()
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("are hidden wherever the output is cut")
    func pieces() {
        let text = "a secret-value and secretsecret-values"
        let expected = "a *** and secret***s"
        for size in 1...text.count {
            var rest = text[...]
            var pieces: [String] = []
            while !rest.isEmpty {
                pieces.append(String(rest.prefix(size)))
                rest = rest.dropFirst(size)
            }
            #expect(shown(pieces, hiding: ["secret-value\n"]) == expected, "in pieces of \(size)")
        }
    }

    @Test("are hidden as the longest that there is, line by line where they have several")
    func several() {
        #expect(shown(["abcdef abcd"], hiding: ["abcd", "abcdef"]) == "*** ***")
        #expect(shown(["abcde", "fg"], hiding: ["abcd", "abcdefgh"]) == "***efg")
        #expect(shown(["first line of it\nx"], hiding: ["first line of it\nsecond line\n"]) == "***\nx")
        #expect(shown(["first line of it\nsecond line!"], hiding: ["first line of it\nsecond line\n"]) == "***!")
    }

    @Test("are not looked for where they say nothing, and nothing is kept back at the end")
    func short() {
        #expect(shown(["abc"], hiding: ["", "\n", "abc"]) == "abc")
        #expect(shown(["abcd", "abc"], hiding: ["abcdabcde"]) == "abcdabc")
    }
}
