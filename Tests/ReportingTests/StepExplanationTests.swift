import Reporting
import Testing

@Suite("An explanation in words")
struct StepExplanationTests {
    private func line(_ old: String?, _ new: String?) -> String {
        StepExplanation([.value(name: "ARG V", old: old, new: new)]).lines.joined(separator: "\n")
    }

    @Test("gives both values, of several lines the first that differ, of long ones the part that differs")
    func values() {
        #expect(line("1", "2") == "ARG V: now `2`, was `1`")
        #expect(line(nil, "") == "ARG V: now ``, was nothing")
        #expect(line("a\nb\nc", "a\nx\nc") == "ARG V: now `x`, was `b`")
        #expect(line("a\nb", "a") == "ARG V: now nothing, was `b`")
        let long = String(repeating: "x", count: 1000)
        let shown = line(long + "1", long + "2")
        #expect(shown.count < 200 && shown.contains("x2`, was `…x") && shown.hasSuffix("x1`"), "\(shown)")
        #expect(line(long, "y" + long).contains("now `yxx") && line(long, "y" + long).contains("xx…`, was `xxx"))
    }

    @Test("is one line each, whatever is in it, and shows no credentials")
    func hostile() {
        let text = line("\u{1B}[31m", "\r\u{202E}")
        #expect(text == #"ARG V: now `\r\u{202e}`, was `\u{1b}[31m`"#)
        #expect(
            line("http://u:secret@host/", "http://u:other@host/")
                == "ARG V: now `http://x:xxxxx@host/`, was `http://x:xxxxxx@host/`"
        )
        let reasons: [StepExplanation.Reason] = [
            .instruction(old: "a\u{7}", new: "b"), .stepBelowRemoved(text: "\u{7}"),
            .stepBelow(number: 0, text: "\u{7}", stage: "\u{7}"), .files(FileDifferences(), mount: "\u{7}"),
            .imageMissing("\u{7}"), .filesNotMade(stage: "\u{7}"), .base(old: "\u{7}", new: ""),
        ]
        for line in StepExplanation(reasons).lines {
            #expect(!line.unicodeScalars.contains { $0.value < 0x20 }, "\(line.debugDescription)")
        }
    }

    @Test("names the step that made files before the list of them")
    func order() {
        var files = FileDifferences()
        files.first = [FileDifference(path: "/a", change: .content)]
        files.count = 1
        let below = StepExplanation.Reason.stepBelow(number: 3, text: "COPY . /", stage: nil)
        let lines = StepExplanation([.files(files, mount: nil), below]).lines
        #expect(lines == ["step 3, which it builds on, changed: COPY . /", "1 file differs:", "  content  /a"])
    }

    @Test("counts the files that are not shown")
    func files() {
        var files = FileDifferences()
        files.first = [
            FileDifference(path: "/a", change: .mode, old: "0644", new: "0755"),
            FileDifference(path: "/a", change: .content, old: "sha256:1", new: "sha256:2"),
            FileDifference(path: "/b", change: .added),
        ]
        files.count = 5
        #expect(
            StepExplanation([.files(files, mount: nil)]).lines == [
                "5 files differ:", "  mode     /a  now `0755`, was `0644`", "  content  /a", "  added    /b",
                "  and 3 more",
            ]
        )
        #expect(StepExplanation([.files(nil, mount: "/m")]).lines == ["files of the mount at `/m` differ"])
    }
}
