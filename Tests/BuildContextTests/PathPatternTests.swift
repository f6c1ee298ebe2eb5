import Testing

@testable import BuildContext

struct PatternCase: Sendable, CustomTestStringConvertible {
    let pattern: String
    let path: String
    let matches: Bool

    init(_ pattern: String, _ path: String, _ matches: Bool) {
        self.pattern = pattern
        self.path = path
        self.matches = matches
    }

    var testDescription: String { "`\(pattern)` \(matches ? "matches" : "does not match") `\(path)`" }
}

@Suite struct PathPatternTests {
    @Test("patterns match as Go's filepath.Match", arguments: goCases)
    func goMatch(_ example: PatternCase) throws {
        let pattern = try PathPattern(Array(example.pattern.utf8), dialect: .path)
        #expect(pattern.matches(Array(example.path.utf8)) == example.matches)
    }

    static let goCases: [PatternCase] = [
        .init("abc", "abc", true), .init("*", "abc", true), .init("*c", "abc", true), .init("a*", "a", true),
        .init("a*", "abc", true), .init("a*", "ab/c", false), .init("a*/b", "abc/b", true),
        .init("a*/b", "a/c/b", false),
        .init("a*b*c*d*e*/f", "axbxcxdxe/f", true), .init("a*b*c*d*e*/f", "axbxcxdxexxx/f", true),
        .init("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false), .init("a*b*c*d*e*/f", "axbxcxdxexxx/fff", false),
        .init("a*b?c*x", "abxbbxdbxebxczzx", true), .init("a*b?c*x", "abxbbxdbxebxczzy", false),
        .init("ab[c]", "abc", true), .init("ab[b-d]", "abc", true), .init("ab[e-g]", "abc", false),
        .init("ab[^c]", "abc", false), .init("ab[^b-d]", "abc", false), .init("ab[^e-g]", "abc", true),
        .init("a\\*b", "a*b", true), .init("a\\*b", "ab", false), .init("a?b", "a☺b", true),
        .init("a[^a]b", "a☺b", true),
        .init("a???b", "a☺b", false), .init("[a-ζ]*", "α", true), .init("*[a-ζ]", "A", false),
        .init("a?b", "a/b", false),
        .init("a*b", "a/b", false), .init("[\\]a]", "]", true), .init("[\\-]", "-", true), .init("[x\\-]", "x", true),
        .init("[x\\-]", "z", false), .init("[\\-x]", "a", false), .init("[!a]", "!", true), .init("[!a]", "b", false),
        .init("*x", "xxx", true), .init("**", "a/b", false), .init("**", "ab", true), .init("a/**/b", "a/x/b", true),
        .init("a/**/b", "a/x/y/b", false), .init("arr[[]0]", "arr[0]", true), .init("*", ".hidden", true),
        .init("", "", true), .init("", "a", false), .init("[z-a]", "m", false), .init("*", "", true),
    ]

    @Test(
        "malformed patterns are errors",
        arguments: [
            "[]a]", "[-]", "[x-]", "[-x]", "\\", "[a-b-c]", "[", "[^", "[^bc", "a[", "a\\", "*[", "[a", "[]", "[\\",
            "[a-",
        ]
    )
    func malformed(_ pattern: String) {
        for dialect in [PathPattern.Dialect.path, .ignore] {
            #expect(throws: BuildContextError.malformedPattern(Array(pattern.utf8))) {
                try PathPattern(Array(pattern.utf8), dialect: dialect)
            }
        }
    }

    @Test("a name that is not UTF-8 is matched by stars, by `?` and by itself")
    func invalidText() throws {
        let name: [UInt8] = [0x61, 0xFF, 0x62]
        #expect(try PathPattern(Array("a*b".utf8), dialect: .path).matches(name))
        #expect(try PathPattern(Array("a?b".utf8), dialect: .path).matches(name))
        #expect(try PathPattern(Array("a[^x]b".utf8), dialect: .path).matches(name))
        #expect(try PathPattern(name, dialect: .path).matches(name))
        #expect(try !PathPattern(name, dialect: .path).matches([0x61, 0xFE, 0x62]))
    }

    @Test("a hostile pattern takes no more than the product of the lengths")
    func bounded() throws {
        let stars = String(repeating: "a*", count: 200) + "b"
        let path = [UInt8](repeating: UInt8(ascii: "a"), count: 5000)
        #expect(try !PathPattern(Array(stars.utf8), dialect: .path).matches(path))
        let deep = String(repeating: "**/a", count: 100) + "/b"
        #expect(try !PathPattern(Array(deep.utf8), dialect: .ignore).matches(path))
    }

    @Test("patterns longer than 64 characters match")
    func long() throws {
        let name = String(repeating: "long/", count: 40)
        #expect(try PathPattern(Array((name + "*.txt").utf8), dialect: .ignore).matches(Array((name + "x.txt").utf8)))
        #expect(try !PathPattern(Array((name + "*.txt").utf8), dialect: .ignore).matches(Array((name + "x.md").utf8)))
    }

    @Test("an escaped star makes no wildcard")
    func wildcards() {
        #expect(PathPattern.hasWildcards(Array("a*".utf8)[...]))
        #expect(PathPattern.hasWildcards(Array("[a]".utf8)[...]))
        #expect(!PathPattern.hasWildcards(Array("a\\*b\\".utf8)[...]))
    }

    @Test("a pattern of a hundred thousand stars is matched in a moment")
    func hostile() throws {
        let path = Array(String(repeating: "a/", count: 2000).utf8)
        let directories = try PathPattern(Array((String(repeating: "**/", count: 100_000) + "b").utf8))
        let names = try PathPattern(Array(String(repeating: "*a", count: 100_000).utf8))
        let time = ContinuousClock().measure {
            #expect(!directories.matches(path) && !names.matches(path))
        }
        #expect(time < .seconds(10))
    }
}
