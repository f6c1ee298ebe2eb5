import ArgumentParser
import BuildRecords
import BuildReport
import CommandSupport
import Distribution
import Glibc
import Images
import Layers
import OCI
import Reporting
import SystemPackage
import Tar
import TerminalUI

/// `swiftbuild report`.
struct ReportCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write a page about a build and its image: timeline, misses, layers, waste, configuration.",
        discussion: """
            The page is one HTML file without scripts that loads nothing. For an image, it shows the latest recorded \
            build that ran one of its steps.

            \(ImageLocation.help)

            EXAMPLES:
              swiftbuild report -o report.html            the last build
              swiftbuild report -o report.html app:1
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "An image, the ID of a build, or `last`.")
    var subject = "last"

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("The file; `-` for standard output.", valueName: "path")
    )
    var output = "-"

    func run() async throws -> ExitStatus {
        if output == "-", Terminal.isTerminal(STDOUT_FILENO) {
            throw UserError("refusing to write a page to a terminal: use -o or redirect", status: .usage)
        }
        let bytes = try await report(global.store.openExisting()).bytes
        try OutputFile.write(FilePath(output)) { sink in try bytes.withUnsafeBytes { try sink.write($0) } }
        return .success
    }

    private func report(_ images: ImageStore) async throws -> BuildReport {
        let records = BuildRecordStore(images.store)
        if subject == "last" || BuildRecord.ID(parsing: subject) != nil {
            guard let record = records.record(matching: subject) else {
                throw UserError(
                    subject == "last" ? "no build has been recorded" : "no recorded build `\(subject)`",
                    hints: ["name an image to see what is in it"]
                )
            }
            // The image of a build may be gone, and its name may be another one's.
            guard let id = record.image, images.image(id: id) != nil else {
                return BuildReport(build: build(record, images), image: nil)
            }
            let name = record.tags.first.flatMap { try? ImageReference(parsing: $0).familiar } ?? id.short
            let opened = try await OpenedImage("\(id)", in: images)
            return BuildReport(build: build(record, images), image: try image(opened, name: name))
        }
        let opened = try await OpenedImage(subject, in: images)
        // What a build in which nothing changed would tell is nothing.
        let made = records.records.first { $0.image == opened.image.id && !$0.isAllCached }
        let record = made ?? opened.places.record
        return BuildReport(build: record.map { build($0, images) }, image: try image(opened, name: subject))
    }

    private func build(_ record: BuildRecord, _ images: ImageStore) -> BuildReport.Build {
        let explainer = MissExplainer(images.layers)
        return BuildReport.Build(record) { explainer.explain(record, stage: $0, step: $1) }
    }

    private func image(_ opened: OpenedImage, name: String) throws -> BuildReport.Image {
        BuildReport.Image(
            name: name,
            id: opened.image.id,
            configuration: opened.content.configuration,
            analysis: try opened.analysis()
        )
    }
}
