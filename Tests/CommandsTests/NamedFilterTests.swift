import CommandSupport
import Reporting
import Testing

@Suite("--filter")
struct NamedFilterTests {
    private let known = ["reference", "status", "label", "label!", "dangling"]
    private let labels = ["a": "1", "b": "2"]

    @Test(
        "takes values of one name as alternatives, names together, and wants all labels (moby's filters.Args)",
        arguments: [
            ([], true),
            (["reference=app"], true), (["reference=other"], false),
            (["reference=app", "reference=other"], true), (["reference=other", "reference=third"], false),
            (["reference=app", "status=on"], true), (["reference=app", "status=off"], false),
            (["reference=app", "reference=other", "status=off", "status=on"], true),
            (["label=a"], true), (["label=a=1"], true), (["label=a=2"], false), (["label=c"], false),
            (["label=a", "label=b=2"], true), (["label=a", "label=c"], false), (["label=a=1", "label=a=2"], false),
            (["label!=c"], true), (["label!=a"], false), (["label!=a=2"], true),
            (["label!=c", "label!=a"], false), (["label=a", "label!=c"], true), (["label=a", "label!=b=2"], false),
            (["label=a", "reference=other"], false),
        ] as [([String], Bool)]
    )
    func meaning(texts: [String], isAccepted: Bool) throws {
        let filters = try NamedFilters(texts, known: known)
        let accepted = filters.accepts(labels: labels) { name, value in
            ["reference": "app", "status": "on"][name] == value
        }
        #expect(accepted == isAccepted)
    }

    @Test("looks at labels only where a filter is about them")
    func lazyLabels() throws {
        let filters = try NamedFilters(["reference=app"], known: known)
        func labels() -> [String: String] {
            Issue.record("labels were read")
            return [:]
        }
        #expect(filters.accepts(labels: labels()) { $1 == "app" })
    }

    @Test("has switches, and refuses what is none or both", arguments: ["1", "true"])
    func switches(on: String) throws {
        #expect(try NamedFilters([], known: known).isOn("dangling") == nil)
        #expect(try NamedFilters(["dangling=\(on)"], known: known).isOn("dangling") == true)
        #expect(try NamedFilters(["dangling=1", "dangling=true"], known: known).isOn("dangling") == true)
        #expect(try NamedFilters(["dangling=false", "dangling=0"], known: known).isOn("dangling") == false)
        for wrong in [["dangling=yes"], ["dangling="], ["dangling=\(on)", "dangling=0"]] {
            let filters = try NamedFilters(wrong, known: known)
            #expect(throws: UserError.self) { try filters.isOn("dangling") }
        }
    }

    @Test("refuses names that there are not", arguments: ["x=1", "reference", "", "=", "Label=a"])
    func unknown(text: String) {
        #expect(throws: UserError.self) { try NamedFilters([text], known: known) }
    }

    @Test(
        "finds names by regular expressions, as Docker does",
        arguments: [
            ("web", "web", true), ("we", "my-web-1", true), ("^we", "my-web-1", false), ("^my-.*1$", "my-web-1", true),
            ("^/?web$", "web", true), ("^(web|db)$", "db", true), ("^(web|db)$", "db2", false), ("", "web", true),
            ("a.c", "abc", true), ("a\\.c", "abc", false), ("[", "a[b", true), ("[", "ab", false),
            ("(", "ab", false), ("*", "a", false), ("a{9999}", "a", false), ("(a)\\1", "aa", false),
        ]
    )
    func patterns(pattern: String, name: String, isMatch: Bool) {
        #expect(NamedFilters.matches(pattern, name) == isMatch)
    }

    @Test(
        "ends with any pattern",
        arguments: [
            String(repeating: "(a*)*", count: 190) + "b", String(repeating: "(", count: 1000),
            String(repeating: "a?", count: 400) + String(repeating: "a", count: 100),
            String(repeating: "[[.a.]", count: 100),
        ]
    )
    func hostilePatterns(pattern: String) {
        #expect(!NamedFilters.matches(pattern, String(repeating: "a", count: 60)))
    }
}
