internal import Foundation
internal import Testing

/// Rows as someone with tables of another implementation would send them.
@Suite struct DebugTablesTests {
    private struct Row: Sendable {
        let request: String
        /// The members of the answer besides `id`.
        let answer: String

        init(_ request: String, _ answer: String) {
            self.request = request
            self.answer = answer
        }
    }

    private static func result(_ json: String) -> String { #""ok":true,"result":"# + json }

    private static let rows: [Row] = [
        Row(#""op":"expand","word":"he${XXX:-${PWD:-yyy}}xx","env":{"PWD":"/home"}"#, result(#""he/homexx""#)),
        Row(#""op":"expand","word":"a`$b","env":{"b":"x"},"escape":"`""#, result(#""a$b""#)),
        Row(#""op":"expand","word":"${FOO//\\//\\/}","env":{"FOO":"/tmp"}"#, result(#""\\/tmp""#)),
        Row(#""op":"expand","word":"plain""#, result(#""plain""#)),
        Row(
            #""op":"expand","word":"${x"}"#.replacingOccurrences(of: #""}"#, with: #"""#),
            #""error":"missing `}`","ok":false"#
        ),
        Row(#""op":"expand","word":"x","escape":"^""#, #""error":"`escape` is a backslash or a backtick","ok":false"#),
        Row(
            #""op":"expandwords","word":"hello \"${s}\"bye$s","env":{"s":"abc  def"}"#,
            result(#"["hello","abc  defbyeabc","def"]"#)
        ),
        Row(
            #""op":"expandwords","word":"a\\ b \"\" c"}"#.replacingOccurrences(of: #"c"}"#, with: #"c""#),
            result(#"["a b","c"]"#)
        ),
        Row(
            #""op":"unmatched","word":"${A-a} ${B:-b} $C","env":{"B":""}"#,
            result(#"{"result":"a b ","unmatched":["A","C"]}"#)
        ),
        Row(#""op":"ignore","patterns":["docs","!docs/README.md"],"path":"docs/README.md""#, result("false")),
        Row(#""op":"ignore","patterns":["**/dir2/*"],"path":"dir/dir2/file/""#, result("true")),
        Row(#""op":"ignore","patterns":["**"],"path":"/""#, result("true")),
        Row(#""op":"ignore","patterns":["*"],"path":"/""#, result("false")),
        Row(#""op":"ignore","patterns":["*.go"],"path":".""#, result("false")),
        Row(
            #""op":"ignore","patterns":["["],"path":"a""#,
            #""error":"the pattern `[` is malformed","ok":false"#
        ),
        Row(
            #""op":"ignorefile","content":"\ufefftest1\n/test2\n/a/file/here/\n\n# no\n! /inverted/abs\n!\n! \n a/../b \n""#,
            result(#"["test1","test2","a/file/here","!inverted/abs","!","!","b"]"#)
        ),
        Row(#""op":"jsonargs","text":" [\"a\", \"\\u00e9\"] ""#, result(#"["a","é"]"#)),
        Row(#""op":"jsonargs","text":"[\"a\", 1]""#, #""error":"not a JSON array of strings","ok":false"#),
        Row(
            #""op":"ports","specs":["80","1234-1235/UDP","[::1]:80:81","0.0.0.0:1-2:3-4","2001:db8::68::333","9/"]"#,
            result(#"["80/tcp","1234/udp","1235/udp","81/tcp","3/tcp","4/tcp","333/tcp","9/tcp"]"#)
        ),
        Row(#""op":"ports","specs":["8080-9000:80"]"#, result(#"["80/tcp"]"#)),
        Row(
            #""op":"ports","specs":["localhost:1234:1234"]"#,
            #""error":"invalid port `localhost:1234:1234`: the part before the ports is not an IP address","ok":false"#
        ),
        Row(
            #""op":"lint","dockerfile":"FROM scratch as b\nCOPY a \\\n\n .\nENV A=1 \\\n  B=$X\n""#,
            result(
                #"[{"line":1,"rule":"FromAsCasing"},{"line":4,"rule":"NoEmptyContinuation"},{"line":5,"rule":"UndefinedVar"}]"#
            )
        ),
        Row(
            #""op":"ast","dockerfile":"FROM a\nCOPY --x=\"1\" [\"a\",\"b\"]\nENV A=\"b c\" D=e\nONBUILD RUN x\nFOO y\n""#,
            result(
                #""(from \"a\")\n(copy [\"--x=1\"] \"a\" \"b\")\n(env \"A\" \"\\\"b c\\\"\" \"=\" \"D\" \"e\" \"=\")\n(onbuild (run \"x\"))\n(foo \"\")""#
            )
        ),
        Row(#""op":"validate","dockerfile":"FROM a\nEXPOSE 80\n""#, result("true")),
        Row(
            #""op":"validate","dockerfile":"FROM a\n\nRUNN x\n""#,
            #""error":"unknown instruction `RUNN`","line":3,"ok":false"#
        ),
        Row(
            #""op":"validate","dockerfile":"FROM a\nEXPOSE 80/foo\n""#,
            #""error":"invalid port `80/foo`","line":2,"ok":false"#
        ),
        Row(
            #""op":"lint","dockerfile":"FROM scratch as b\nCMD x\nMAINTAINER me\nRUNN x\nFROM scratch as c\n""#,
            #""error":"unknown instruction `RUNN`","line":4,"ok":false,"#
                + #""result":[{"line":1,"rule":"FromAsCasing"},{"line":3,"rule":"MaintainerDeprecated"}]"#
        ),
        Row(
            #""op":"lint","dockerfile":"FROM scratch as b\nENV A=1 B\n""#,
            #""error":"expected NAME=value, not `B`","line":2,"ok":false,"result":[]"#
        ),
        Row(#""op":"nope""#, #""error":"unknown operation `nope`","ok":false"#),
        Row(#""word":"x""#, #""error":"`op` has to be a string","ok":false"#),
    ]

    @Test("rows are answered in order, each with its id")
    func rows() async throws {
        try await BuildFixture.with { fixture in
            let rows = Self.rows
            let input = rows.enumerated().map { "{\"id\":\($0.offset),\($0.element.request)}\n" }.joined()
            let result = try await fixture.swiftbuild("debug", "tables", input: input)
            let lines = result.outputText.split(separator: "\n").map(String.init)
            #expect(result.status == 0 && lines.count == rows.count, "\(result)")
            for (number, (row, line)) in zip(rows, lines).enumerated() {
                let expected = try Self.object("{\"id\":\(number),\(row.answer)}")
                #expect(try Self.object(line) == expected, "\(row.request)\n\(line)")
            }
            #expect(!fileExists(fixture.store))
        }
    }

    @Test("a malformed row is an error with its id, and the next one is answered")
    func malformed() async throws {
        try await BuildFixture.with { fixture in
            let input =
                "nonsense\n\n[1]\n{\"id\":\"a\"}\n{\"id\":[2],\"op\":7}\n{\"id\":1.5,\"op\":\"expand\",\"word\":\"x\",\"env\":[]}\n"
                + String(repeating: "[", count: 100_000) + "\n{\"id\":null,\"op\":\"jsonargs\",\"text\":\"[]\"}"
            let result = try await fixture.swiftbuild("debug", "tables", input: input)
            let objects = try result.outputText.split(separator: "\n").map { try Self.object(String($0)) }
            #expect(objects.map { $0["ok"] as? Bool } == [false, false, false, false, false, false, true], "\(result)")
            #expect(
                objects.map { "\($0["id"] ?? "missing")" } == [
                    "<null>", "<null>", "a", "[2]", "1.5", "<null>", "<null>",
                ]
            )
        }
    }

    private static func object(_ text: String) throws -> NSDictionary {
        try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]) as NSDictionary
    }
}
