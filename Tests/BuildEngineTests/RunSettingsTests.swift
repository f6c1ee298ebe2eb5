import BuildPlanning
import Testing

@testable import BuildEngine

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

@Suite("Options of the processes")
struct RunSettingsTests {
    @Test("sizes have suffixes in powers of 1024")
    func sizes() {
        for (text, size) in [
            ("0", 0), ("12", 12), ("1k", 1024), ("2M", 2 << 20), ("3gb", 3 << 30), ("1KiB", 1024), ("7b", 7),
        ] as [(String, Int64)] {
            #expect(ByteSize.parse(text) == size, "\(text)")
        }
        for text in ["", "k", "-1", "1.5m", "9223372036854775807k", "1kk", "0x1"] {
            #expect(ByteSize.parse(text) == nil, "\(text)")
        }
    }

    @Test("hosts are NAME:ADDRESS or NAME=ADDRESS")
    func hosts() throws {
        func parsed(_ text: String) throws -> String {
            let host = try ExtraHost(parsing: text)
            return "\(host.name) \(host.address)"
        }
        #expect(try parsed("a:1.2.3.4") == "a 1.2.3.4")
        #expect(try parsed("a=::1") == "a ::1")
        #expect(try parsed("a:[fe80::1]") == "a fe80::1")
        #expect(try parsed("a:host-gateway") == "a 127.0.0.1")
        for text in ["", "a", ":1.2.3.4", "a:", "a:1.2.3", "a b:1.2.3.4", "a=1.2.3.4\n5.6.7.8 b"] {
            #expect(throws: BuildError.self, "\(text)") { try ExtraHost(parsing: text) }
        }
    }
}
