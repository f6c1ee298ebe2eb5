import Reporting
import Testing

@testable import BuildContext

struct IgnoreCase: Sendable, CustomTestStringConvertible {
    let lines: [String]
    let path: String
    /// The line that decides, negative for an exception, 0 for none.
    let line: Int

    init(_ lines: String..., path: String, line: Int) {
        self.lines = lines
        self.path = path
        self.line = line
    }

    var testDescription: String { "\(lines) with `\(path)`" }
}

@Suite struct IgnoreFileTests {
    @Test("single patterns match as in moby's patternmatcher", arguments: singlePatterns)
    func single(_ example: PatternCase) throws {
        let file = try IgnoreFile(parsing: example.pattern)
        #expect((file.decision(for: Array(example.path.utf8))?.isIgnored ?? false) == example.matches)
    }

    static let singlePatterns: [PatternCase] = [
        .init("**", "file", true), .init("**/", "file", true), .init("**", "dir/file", true),
        .init("**/**", "dir/file", true), .init("dir/**", "dir/file", true), .init("dir/**", "dir/dir2/file", true),
        .init("dir/**", "dir", false), .init("abc/**", "abc", false), .init("**/dir", "dir", true),
        .init("**/dir", "dir/file", true), .init("**/dir", "x/dir/file", true),
        .init("**/dir2/*", "dir/dir2/file", true),
        .init("**/dir2/**", "dir/dir2/dir3/file", true), .init("**file", "file", true),
        .init("**file", "dir/file", true),
        .init("**file", "dir/myfile", true), .init("**/file", "dir/dir/file", true), .init("**/file", "myfile", false),
        .init("**/file*", "dir/dir/file.txt", true), .init("**/file*txt", "dir/file.txt", true),
        .init("**/file*.txt*", "dir/dir/file.txt", true), .init("**/**/*.txt", "dir/dir/file.txt", true),
        .init("**/**/*.txt2", "dir/dir/file.txt", false), .init("**/*.txt", "file.txt", true),
        .init("**/**/*.txt", "file.txt", true), .init("a**/*.txt", "a/file.txt", true),
        .init("a**/*.txt", "a/dir/file.txt", true), .init("a**/*.txt", "a/dir/dir/file.txt", true),
        .init("a/*.txt", "a/dir/file.txt", false), .init("a/*.txt", "a/file.txt", true),
        .init("a/*.txt**", "a/file.txt", true),
        .init("a[b-d]e", "ae", false), .init("a[b-d]e", "ace", true), .init("a[b-d]e", "aae", false),
        .init("a[^b-d]e", "aze", true), .init(".*", ".foo", true), .init(".*", "foo", false),
        .init("abc.def", "abcdef", false), .init("abc.def", "abc.def", true), .init("abc.def", "abcZdef", false),
        .init("abc?def", "abcZdef", true), .init("abc?def", "abcdef", false), .init("a\\\\", "a\\", true),
        .init("a\\*b", "a*b", true), .init("**/foo/bar", "foo/bar", true),
        .init("**/foo/bar", "dir/dir2/foo/bar", true),
        .init("abc/**", "abc/def/ghi", true), .init("**/.foo", ".foo", true), .init("**/.foo", "bar.foo", false),
        .init("a(b)c/def", "a(b)c/def", true), .init("a(b)c/def", "a(b)c/xyz", false),
        .init("a.|)$(}+{bc", "a.|)$(}+{bc", true), .init("dist/*.whl", "dist/p-2.4.0+g08-py3.whl", true),
        .init("f", "a/f", false), .init("/f", "f", true), .init("a/../b", "b", true), .init("b/", "b/c", true),
        .init("./x", "x", true), .init(".", "x", false), .init("..", "x", false), .init("../x", "x", false),
        .init("/", "x", false), .init("dir**", "dirfoo/bar", true), .init("*/*/c", "a/b/c", true),
        .init("*/*/c", "a/b/d/c", false), .init("  spaced\t", "spaced", true), .init("#x", "#x", false),
        .init("\\#x", "#x", true), .init(" #x", "#x", true), .init("**/a*b", "x/acb", true),
        .init("**/a*b", "ab", true),
        .init("**/aa*aa", "aaa", false), .init("**/*", "a", true), .init("a*", "a/b/c", true),
    ]

    @Test("the last line that matches a path or a parent decides", arguments: manyPatterns)
    func several(_ example: IgnoreCase) throws {
        let file = try IgnoreFile(parsing: example.lines.joined(separator: "\n"))
        let expected =
            example.line == 0 ? nil : IgnoreFile.Decision(isIgnored: example.line > 0, line: abs(example.line))
        #expect(file.decision(for: Array(example.path.utf8)) == expected)
    }

    static let manyPatterns: [IgnoreCase] = [
        .init("*.go", "!fileutils.go", path: "fileutils.go", line: -2),
        .init("!fileutils.go", "*.go", path: "fileutils.go", line: 2),
        .init("docs", "!docs/README.md", path: "docs/README.md", line: -2),
        .init("docs/", "!docs/README.md", path: "docs/README.md", line: -2),
        .init("docs/*", "!docs/README.md", path: "docs/README.md", line: -2),
        .init("docs", "!docs/README.md", path: "docs/other", line: 1),
        .init("**", "!util/docker/web", path: "util/docker/web/foo", line: -2),
        .init("**", "!util/docker/web", "util/docker/web/foo", path: "util/docker/web/foo", line: 3),
        .init("a", "!a/b", "a", path: "a/b", line: 3),
        .init("# note", "", "x", "", "! x/y ", path: "x/y/z", line: -5),
        .init("x\r", "!x/y\r", path: "x/y", line: -2),
        .init("\u{FEFF}x", path: "x", line: 1),
        .init("\u{FEFF}# note", "x", path: "x", line: 2),
        .init("*", "!src/app", path: "src", line: 1),
        .init("!/x", "!y", path: "x", line: -1),
        .init("x", path: "", line: 0),
    ]

    @Test("every malformed line is told with its place")
    func malformed() throws {
        let error = try #require(throws: DiagnosticsError.self) { try IgnoreFile(parsing: "a\n! \n#\n  !a[\n") }
        let found = error.diagnostics.compactMap { diagnostic in
            diagnostic.range.map { ($0, diagnostic.message) }
        }
        #expect(found.map { error.source.line(at: $0.0.start) } == [2, 4])
        #expect(found.map { error.source.column(at: $0.0.start) } == [1, 3])
        #expect(found.map(\.1) == ["`!` needs a pattern after it", "the pattern `a[` is malformed"])
    }

    @Test("a directory is skipped whole only when no exception can match below it")
    func skipping() throws {
        func skips(_ lines: String, _ directory: String) throws -> Bool {
            let file = try IgnoreFile(parsing: lines)
            let name = Array(directory.utf8)
            return name.withUnsafeBufferPointer {
                file.excludesEverything(below: file.descend(into: $0, from: file.start))
            }
        }
        #expect(try skips("node_modules", "node_modules"))
        #expect(try skips("*\n!src/app", "lib"))
        #expect(try !skips("*\n!src/app", "src"))
        #expect(try !skips("*\n!**/app", "lib"))
        #expect(try skips("!lib/x\nlib", "lib"))
        #expect(try !skips("lib\n!l*/x", "lib"))
        #expect(try !skips("other", "lib"))
    }
}
