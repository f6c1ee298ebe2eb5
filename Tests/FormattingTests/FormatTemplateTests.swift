import Formatting
import OCI
import Reporting
import Testing

@Suite("A template of --format")
struct FormatTemplateTests {
    private static let value: JSONValue = .object([
        "ID": .string("abc"), "Size": .integer(5), "Tags": .strings(["a:1", "b:2"]), "Empty": .list([]),
        "Config": .object(["Env": .strings(["A=1"]), "Labels": .object(["x y": .string("v"), "a": .string("b")])]),
        "Missing": .null, "Interval": .duration(90_000_000_000),
    ])

    @Test(
        "gives what Go's text/template gives",
        arguments: [
            ("{{.ID}}", "abc"), ("<{{ .ID }}>\\t{{.Size}}", "<abc>\t5"), ("plain", "plain"),
            ("{{.Tags}}", "[a:1 b:2]"), ("{{.Config.Labels}}", "map[a:b x y:v]"), ("{{json .Tags}}", #"["a:1","b:2"]"#),
            ("{{json .Config}}", #"{"Env":["A=1"],"Labels":{"a":"b","x y":"v"}}"#),
            (#"{{join .Tags ", "}}"#, "a:1, b:2"), (#"{{index .Config.Labels "x y"}}"#, "v"),
            ("{{index .Tags 1}}", "b:2"),
            ("{{range .Tags}}{{println .}}{{end}}", "a:1\nb:2\n"), ("{{range .Empty}}x{{else}}none{{end}}", "none"),
            ("{{if .Empty}}yes{{else}}no{{end}}", "no"), ("{{if eq .ID \"abc\"}}yes{{end}}", "yes"),
            ("{{with .Config}}{{len .Env}}{{end}}", "1"), ("{{.ID | upper}}", "ABC"), ("{{len (index .Tags 0)}}", "3"),
            ("{{range .Tags}}{{$.ID}}{{end}}", "abcabc"), ("a {{- .Size -}} b", "a5b"), ("{{/* no */}}x", "x"),
            ("{{.Missing}}", "<no value>"), ("{{json .Missing}}", "null"), ("{{`}}`}}", "}}"),
            ("{{(index .Config.Labels \"a\") | printf}}", nil), ("{{if and .ID (not .Empty)}}1{{end}}", "1"),
            ("{{.Interval}} {{json .Interval}}", "1m30s 90000000000"),
            ("{{if eq .Interval 90000000000}}1{{end}}", "1"), ("{{ne .Interval 1}}", "true"),
            ("{{truncate .ID 2}}", "ab"), ("{{index (split .ID \"b\") 1}}", "c"),
        ] as [(String, String?)]
    )
    func renders(text: String, expected: String?) throws {
        let rendered = try? FormatTemplate(parsing: text).text(Self.value)
        #expect(rendered == expected)
    }

    @Test(
        "says what is wrong",
        arguments: [
            ("{{.Id}}", "did you mean `.ID`?"), ("{{.ID", "without a closing `}}`"), ("{{if .ID}}", "needs `{{end}}`"),
            ("{{end}}", "without a beginning"), ("{{jsn .}}", "`json`"), ("{{ID}}", "fields begin with a dot"),
            ("{{}}", "empty"), ("{{.ID.x}}", "has no field"), ("{{index .Tags 9}}", "no element 9"),
            ("{{range .ID}}{{end}}", "takes a list"), ("{{(.ID}}", "without `)`"), ("{{.ID)}}", "without `(`"),
            ("{{.ID .Size}}", "no function"), ("{{\"a}}", "without a closing `}}`"), ("{{len .Size}}", "no length"),
            ("{{%}}", "not understood"), (String(repeating: "{{if .}}", count: 5000), "too deep"),
            ("{{" + String(repeating: "(", count: 5000) + "}}", "too deep"), ("{{join}}", "needs"),
        ]
    )
    func fails(text: String, expected: String) {
        let failure = #expect(throws: UserError.self) {
            _ = try FormatTemplate(parsing: text).text(Self.value)
        }
        #expect(failure?.message.contains(expected) ?? false, "\(failure?.message ?? "")")
    }
}
