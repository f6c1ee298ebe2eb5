import BuildRecords
import ContentStore
import ImageAnalysis
import Layers
import OCI
import Reporting
import Tar
import Testing

@testable import BuildReport

@Suite("The page of a report")
struct PageTests {
    private static let hostile = "<script>alert(1)</script>\"'&\u{1B}[2J\u{202E}"

    @Test("escapes every value, and keeps what was written as markup")
    func escaping() {
        let value = Self.hostile
        let inner: HTML = "<b>\(value)</b>"
        let html: HTML = "<a title=\"\(value)\">\(inner)\(3)</a>"
        let text = "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;\\u{1b}[2J\\u{202e}"
        #expect(html.text == "<a title=\"\(text)\"><b>\(text)</b>3</a>")
        func length(_ value: Double) -> String { ("\(percent: value)" as HTML).text }
        #expect(
            [0, 1, 0.12345, -1, 2, .nan, .infinity].map(length) == [
                "0.000%", "100.000%", "12.345%", "0.000%", "100.000%", "0.000%", "0.000%",
            ]
        )
    }

    private func page(hostile: String) -> String {
        let path = PathInRoot(Array(hostile.utf8) + [0xFF])
        func file(_ path: PathInRoot, _ size: Int64) -> LayerEntry {
            LayerEntry(path: path, kind: .regular, permissions: 0o644, size: size)
        }
        let layers = [[file(path, 5), file(PathInRoot("other/x"), 9)], [file(path, 7)]].map {
            LayerIndex(entries: $0, diffID: SHA256Hasher.digest(of: hostile), tarSize: 0)
        }
        var configuration = ImageConfiguration(platform: .host)
        configuration.config.env = ["A=\(hostile)"]
        configuration.config.labels = [hostile: hostile]
        configuration.config.cmd = [hostile]
        configuration.config.user = hostile
        configuration.history = [
            .init(created: nil, createdBy: "COPY \(hostile) /"), .init(created: nil, createdBy: hostile),
        ]
        var record = BuildRecord(
            id: BuildRecord.ID(nanoseconds: 1_700_000_000_000_000_000),
            dockerfile: "/\(hostile)/Dockerfile",
            context: nil,
            platform: .host,
            stages: [
                BuildRecord.Stage(
                    name: hostile,
                    steps: BuildRecord.Step.Result.allCases.enumerated().map { position, result in
                        var step = BuildRecord.Step(
                            number: position,
                            line: position + 1,
                            text: "RUN \(hostile)",
                            result: result
                        )
                        if result != .notRun {
                            (step.start, step.end) = (Int64(position) * 100, Int64(position) * 100 + 50)
                        }
                        return step
                    }
                )
            ]
        )
        record.duration = 1000
        record.ending = .failed
        let build = BuildReport.Build(record) { _, step in
            step == 2 ? StepExplanation([.value(name: "ARG \(hostile)", old: hostile, new: nil)]) : nil
        }
        let analysis = ImageAnalysis(
            MergedView(layers: layers),
            diffIDs: layers.map(\.diffID),
            history: configuration.history
        )
        let image = BuildReport.Image(
            name: hostile,
            id: SHA256Hasher.digest(of: "id"),
            configuration: configuration,
            analysis: analysis
        )
        return String(decoding: BuildReport(build: build, image: image).bytes, as: UTF8.self)
    }

    /// The tags of a page with their attributes, in order.
    private func tags(_ page: String) -> [String] {
        page.split(separator: "<").dropFirst().map { String($0.prefix { $0 != ">" }) }
    }

    @Test("has the same tags whatever stands in names, settings and instructions")
    func hostileValues() {
        // Of the same length, and as hard to show.
        let harmless = String(repeating: "x", count: Self.hostile.count)
        func shape(_ page: String) -> [String] {
            tags(page).map { String($0.prefix { $0 != " " && $0 != "\n" }) }
        }
        let page = page(hostile: Self.hostile)
        #expect(shape(page) == shape(self.page(hostile: harmless)))
        #expect(!page.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{202E}" })
        #expect(page.contains("default-src 'none'; style-src 'unsafe-inline'"))
        #expect(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"))
        #expect(page.contains("\\xff"))
    }

    @Test("tells of each step what became of it, where it stands in time, and why it was made")
    func timeline() {
        let page = page(hostile: "plain")
        for text in [
            ">base<", ">cached<", ">ran<", ">failed<", ">not run<", "left:20.000%;width:5.000%",
            "ARG plain: now nothing, was `plain`",
            "Layer 1", "/plain\\xff", "5B of 21B", "A=plain",
        ] {
            #expect(page.contains(text), "\(text)")
        }
    }

    @Test("of an image without a build, and of a build without an image, has what there is")
    func parts() {
        let record = BuildRecord(
            id: BuildRecord.ID(nanoseconds: 1),
            dockerfile: "-",
            context: nil,
            platform: .host,
            stages: []
        )
        let build = String(
            decoding: BuildReport(build: BuildReport.Build(record) { _, _ in nil }, image: nil).bytes,
            as: UTF8.self
        )
        #expect(build.contains("id=\"timeline\"") && !build.contains("id=\"layers\""))
        let image = BuildReport.Image(
            name: "empty",
            id: SHA256Hasher.digest(of: "id"),
            configuration: ImageConfiguration(platform: .host),
            analysis: ImageAnalysis(MergedView(layers: []), diffIDs: [], history: [])
        )
        let page = String(decoding: BuildReport(build: nil, image: image).bytes, as: UTF8.self)
        #expect(!page.contains("id=\"timeline\"") && page.contains("No layer has any content."))
    }
}
