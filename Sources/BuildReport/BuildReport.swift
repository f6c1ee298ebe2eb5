public import BuildRecords
internal import Formatting
public import ImageAnalysis
public import OCI
public import Reporting

/// A build and the image that it gave, as one page that needs nothing but a browser.
///
/// The page has no script and loads nothing; its policy forbids both, whatever stands in names of files.
public struct BuildReport: Sendable {
    /// The image that a report is about.
    public struct Image: Sendable {
        /// As the user called it.
        public let name: String
        public let id: Digest
        public let configuration: ImageConfiguration
        public let analysis: ImageAnalysis

        public init(name: String, id: Digest, configuration: ImageConfiguration, analysis: ImageAnalysis) {
            self.name = name
            self.id = id
            self.configuration = configuration
            self.analysis = analysis
        }
    }

    /// A remembered build, with why its steps were not in the cache.
    public struct Build: Sendable {
        public let record: BuildRecord
        /// For each stage and each of its steps.
        let explanations: [[StepExplanation?]]

        /// - Parameter explain: Told the positions of a stage and of a step in it.
        public init(_ record: BuildRecord, explain: (_ stage: Int, _ step: Int) -> StepExplanation?) {
            self.record = record
            explanations = record.stages.indices.map { stage in
                record.stages[stage].steps.indices.map { explain(stage, $0) }
            }
        }
    }

    private let build: Build?
    private let image: Image?

    /// - Parameters:
    ///   - build: `nil` for an image whose build is not remembered.
    ///   - image: `nil` for a build without one, or one that was removed.
    public init(build: Build?, image: Image?) {
        self.build = build
        self.image = image
    }

    /// The whole page.
    public var bytes: [UInt8] { Array(page.text.utf8) }

    private var page: HTML {
        let sections: [PageSection] =
            [build.map(TimelineSection.init)?.section].compactMap { $0 }
            + (image.map { ImageSections($0, build?.record).sections } ?? [])
        let links = HTML(sections.map { "<li><a href=\"#\($0.id)\">\($0.title)</a></li>" as HTML })
        let bodies = HTML(
            sections.map {
                "<section id=\"\($0.id)\" aria-labelledby=\"\($0.id)-title\"><h2 id=\"\($0.id)-title\">\($0.title)</h2>\n\($0.body)</section>\n"
                    as HTML
            }
        )
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta name="referrer" content="no-referrer">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>\(title) — build report</title>
            <style>\(PageStyle.sheet)</style>
            </head>
            <body>
            <a class="skip" href="#content">Skip to the content</a>
            <header>
            <h1>\(title)</h1>
            \(facts)
            <nav aria-label="Sections"><ul>\(links)</ul></nav>
            </header>
            <main id="content">
            \(bodies)</main>
            </body>
            </html>

            """
    }

    private var title: String {
        if let image { return image.name }
        return build.map { "Build \($0.record.id)" } ?? "Nothing"
    }

    /// What one wants to know first.
    private var facts: HTML {
        var facts: [(name: HTML, value: HTML)] = []
        if let record = build?.record {
            let steps = record.stages.flatMap(\.steps)
            func count(_ result: BuildRecord.Step.Result) -> Int { steps.count { $0.result == result } }
            facts.append(("Build", "\(record.ending.rawValue) in \(PageText.seconds(record.duration))"))
            facts.append(("Steps", "\(count(.ran)) ran, \(count(.cached)) cached"))
            let began = Timestamp(secondsSinceEpoch: record.id.nanoseconds / 1_000_000_000)
            facts.append(("Began", "<time datetime=\"\(began.description)\">\(PageText.time(began))</time>"))
        }
        if let image {
            facts.append(("Size", "\(HumanReadable.size(image.analysis.bytes))"))
            facts.append(("Wasted", "\(HumanReadable.size(image.analysis.wastedBytes))"))
            facts.append(("Efficiency", "\(HumanReadable.percent(image.analysis.efficiency))"))
            facts.append(("Platform", "\(image.configuration.platform.description)"))
        }
        if let record = build?.record { facts.append(("Dockerfile", "<code>\(record.dockerfile)</code>")) }
        if let image { facts.append(("Image ID", "<code>\(image.id.description)</code>")) }
        return
            "<dl class=\"facts\">\(HTML(facts.map { "<div><dt>\($0.name)</dt><dd>\($0.value)</dd></div>" as HTML }))</dl>"
    }
}

/// A part of the page with a heading of its own.
struct PageSection {
    /// To link to.
    let id: String
    let title: String
    let body: HTML
}

/// Numbers as the page writes them.
enum PageText {
    static func seconds(_ nanoseconds: Int64) -> String {
        HumanReadable.elapsed(nanoseconds: nanoseconds, decimals: 2)
    }

    /// `2026-11-21 11:33:05 UTC`.
    static func time(_ time: Timestamp) -> String {
        let parts = time.description.split(separator: "T")
        return parts.count == 2 && time.description.hasSuffix("Z")
            ? "\(parts[0]) \(parts[1].dropLast()) UTC" : time.description
    }
}
