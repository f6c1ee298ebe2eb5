import ArgumentParser
import BuildRecords
import CommandSupport
import Formatting
import Glibc
import Images
import OCI
import Reporting
import TerminalUI

/// `swiftbuild explain`: what became of each step of a build, and why.
struct ExplainCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show which steps of a build were not in the cache, and why.",
        discussion: """
            Each step that ran is compared with the most similar step of an earlier build, and differences are shown \
            with their old and new values. The latest 200 builds are recorded.

            EXAMPLES:
              swiftbuild explain                       the last build
              swiftbuild explain --step 3 app:latest   a step of the build of an image
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The name or ID of an image, the ID of a build, or `last`.")
    var build = "last"

    @Option(name: .customLong("step"), help: ArgumentHelp("Show only this step.", valueName: "number"))
    var step: Int?

    @Option(name: .customLong("format"), help: "How to print it.")
    var format = OutputFormat.text

    func run() throws -> ExitStatus {
        let images = try global.store.openExisting()
        let record = try BuildRecordStore(images.store).found(build)
        let places = try record.places(ofStep: step)
        let explainer = MissExplainer(images.layers)
        let explain = { (place: StepPlace) in explainer.explain(record, stage: place.stage, step: place.step) }
        switch format {
        case .json:
            try Terminal.print(json: record.document(places, explain: explain))
        case .text:
            if step == nil { printHeading(record) }
            for place in places { printStep(record, place, explain(place)) }
        }
        return .success
    }

    private func printHeading(_ record: BuildRecord) {
        let time = Timestamp(secondsSinceEpoch: record.id.nanoseconds / 1_000_000_000)
        Terminal.print("Build \(record.id) of \(EscapedText.escaped(record.dockerfile))")
        Terminal.print(
            "\(time), \(HumanReadable.elapsed(nanoseconds: record.duration, decimals: 2)), \(record.ending.rawValue)"
        )
        if let image = record.image {
            let names = record.tags.map { (try? ImageReference(parsing: $0))?.familiar ?? $0 }
            Terminal.print(EscapedText.escaped(([image.description] + names).joined(separator: " ")))
        }
        Terminal.print("")
    }

    private func printStep(_ record: BuildRecord, _ place: StepPlace, _ explanation: StepExplanation?) {
        let step = record[place]
        let time = step.start.flatMap { start in
            step.end.map { HumanReadable.elapsed(nanoseconds: $0 - start, decimals: 2) }
        }
        let times = [time, step.start.flatMap { waited(step, until: $0) }].compactMap { $0 }.joined(separator: ", ")
        let suffix = times.isEmpty ? "" : " (\(times))"
        let state =
            switch step.result {
            case .base, .cached: step.result.rawValue
            case .ran: "ran" + suffix
            case .failed: "failed" + suffix
            case .refused: "refused: --expect-cached"
            case .skipped: "skipped: the target does not need it"
            case .notRun: record.ending == .interrupted ? "not run: interrupted" : "not run: an earlier step failed"
            }
        let isOnlyStage = record.stages.count == 1
        let lines = StepLines.lines(
            stage: isOnlyStage ? nil : record.stageName(place.stage),
            number: step.number,
            total: record.stepCount,
            text: step.text,
            state: state,
            explanation: explanation
        )
        for line in lines { Terminal.print(line) }
    }

    /// What a step waited for, where that took any time to speak of.
    private func waited(_ step: BuildRecord.Step, until start: Int64) -> String? {
        guard let wait = step.wait, start - wait.start >= 10_000_000 else { return nil }
        let stages = wait.stages.isEmpty ? "its turn" : wait.stages.map(EscapedText.escaped).joined(separator: ", ")
        return "after \(HumanReadable.elapsed(nanoseconds: start - wait.start, decimals: 2)) of waiting for \(stages)"
    }
}
