internal import BuildRecords
internal import Reporting

/// When each step worked, stage by stage, and why it was not in the cache.
struct TimelineSection {
    private let build: BuildReport.Build
    private var record: BuildRecord { build.record }

    init(_ build: BuildReport.Build) { self.build = build }

    var section: PageSection {
        PageSection(id: "timeline", title: "Timeline", body: legend + HTML(record.stages.indices.map(stage)))
    }

    private var legend: HTML {
        let entries: [(BuildRecord.Step.Result, HTML)] = [
            (.ran, "ran"), (.cached, "cached: an earlier result was used"), (.failed, "failed"),
            (.refused, "refused: it should have been cached"), (.base, "base"),
        ]
        let used = Set(record.stages.flatMap(\.steps).map(\.result))
        let waits = record.stages.flatMap(\.steps).contains { $0.isWaitWorthShowing(in: record) }
        return "<ul class=\"legend\" aria-label=\"Colours\">"
            + HTML(
                entries.filter { used.contains($0.0) }.map {
                    "<li><span class=\"key \(TimelineSection.style($0.0))\"></span>\($0.1)</li>"
                }
            )
            + (waits ? "<li><span class=\"key wait\"></span>waited for another step</li>" : "")
            + "</ul><p class=\"note\">From 0 to \(PageText.seconds(record.duration)). Independent stages run at the same time.</p>\n"
    }

    private func stage(_ position: Int) -> HTML {
        let stage = record.stages[position]
        let name = stage.name.map { "stage \($0)" } ?? (record.stages.count > 1 ? "stage \(position)" : "steps")
        if stage.steps.allSatisfy({ $0.result == .skipped }) {
            return "<h3>\(name)</h3><p class=\"note\">skipped: the target does not need it</p>\n"
        }
        let steps = stage.steps.indices.map { step(stage.steps[$0], build.explanations[position][$0]) }
        return "<h3>\(name)</h3>\n<ol class=\"steps\">\n\(HTML(steps))</ol>\n"
    }

    private func step(_ step: BuildRecord.Step, _ explanation: StepExplanation?) -> HTML {
        let style = TimelineSection.style(step.result)
        let time: HTML
        var bar: HTML
        let total = Double(max(record.duration, 1))
        if let start = step.start, let end = step.end {
            time = "\(step.result == .cached || step.result == .base ? "" : PageText.seconds(end - start))"
            bar = """
                <span class="bar \(style)" style="left:\(percent: Double(start) / total);width:\(percent: Double(end - start) / total)"></span>
                """
        } else {
            (time, bar) = ("", "")
        }
        var waited: HTML = ""
        if let wait = step.wait, step.isWaitWorthShowing(in: record) {
            let end = step.start ?? record.duration
            let stages = wait.stages.isEmpty ? "its turn" : wait.stages.joined(separator: ", ")
            waited =
                "<span class=\"waited\">after \(PageText.seconds(end - wait.start)) of waiting for \(stages)</span>"
            let place: HTML = """
                left:\(percent: Double(wait.start) / total);width:\(percent: Double(end - wait.start) / total)
                """
            bar = "<span class=\"bar wait\" style=\"\(place)\"></span>" + bar
        }
        let line: HTML = """
            <span class="what"><span class="result \(style)">\(step.result.rawValue)</span> <span class="time">\(time)</span>
            <span class="line">line \(step.line)</span> <code>\(TimelineSection.short(step.text))</code>\(waited)</span>
            <span class="track" aria-hidden="true">\(bar)</span>
            """
        var details: [HTML] = []
        if step.text.count > TimelineSection.longest { details.append("<pre>\(step.text)</pre>") }
        if let lines = explanation?.lines, !lines.isEmpty {
            // Indented lines belong to the one before.
            details.append(
                "<p class=\"why\">Why it was not in the cache:</p><pre>\(HTML(lines.map { "\($0)\n" as HTML }))</pre>"
            )
        }
        guard !details.isEmpty else { return "<li><div class=\"step\">\(line)</div></li>\n" }
        // Steps that only follow others would hide what matters.
        let isOpen: HTML = explanation.map { $0.isCause } ?? false ? " open" : ""
        return "<li><details\(isOpen)><summary class=\"step\">\(line)</summary>\(HTML(details))</details></li>\n"
    }

    private static let longest = 120

    private static func short(_ text: String) -> String {
        text.count > longest ? text.prefix(longest - 1) + "…" : text
    }

    private static func style(_ result: BuildRecord.Step.Result) -> String {
        switch result {
        case .base: "base"
        case .cached: "cached"
        case .ran: "ran"
        case .failed, .refused: "failed"
        case .skipped, .notRun: "idle"
        }
    }
}

extension BuildRecord.Step {
    /// Whether it waited so long that it can be seen: one or two stages always come a moment later than another.
    fileprivate func isWaitWorthShowing(in record: BuildRecord) -> Bool {
        guard let wait else { return false }
        return (start ?? record.duration) - wait.start >= 1_000_000
    }
}

extension StepExplanation {
    /// Whether the step itself is not what it was, and not only one that it builds on.
    fileprivate var isCause: Bool {
        switch reasons.first {
        case .stepBelow?, .otherStepsBelow?, nil: false
        default: true
        }
    }
}
