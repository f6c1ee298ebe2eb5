import ArgumentParser
import BuildRecords
import BuildService
import CommandSupport
import Distribution
import FileSystem
import Glibc
import ImageAnalysis
import Images
import Layers
import OCI
import Reporting
import Tar
import TerminalUI

/// `swiftbuild diff`.
struct DiffCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compare two images: files, configuration, and packages of dpkg and apk.",
        discussion: """
            A file is added (A), removed (D) or changed (C) in content, mode, owner, link target, device number or
            extended attributes; times do not count. Ends with 0 when nothing differs, 1 when something does, and 2 or
            more on trouble.

            With --step it is shown what a step of a build changed: of the last one, or of the one that is named by its ID or
            by the image that it made.

            \(ImageLocation.help)

            EXAMPLES:
              swiftbuild diff app:1 app:2
              swiftbuild diff --step 3 last
              swiftbuild diff --format json app docker://registry.example.com/app
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("The image that is the older one.", valueName: "image"))
    var before: String?

    @Argument(help: ArgumentHelp("The image that is compared with it.", valueName: "image"))
    var after: String?

    @Option(
        name: .customLong("step"),
        help: ArgumentHelp("Show what this step of a build changed.", valueName: "number")
    )
    var step: Int?

    func validate() throws {
        guard step == nil ? after == nil : after != nil else { return }
        throw ValidationError(step == nil ? "expected two images" : "--step takes one build only")
    }

    @Option(name: .customLong("format"), help: "How the differences are printed.")
    var format = OutputFormat.text

    func run() async throws -> ExitStatus {
        let comparison: ImageComparison
        do {
            let images = try global.store.openExisting()
            if let step {
                let record = try BuildRecordStore(images.store).found(before ?? "last")
                comparison = ImageComparison(
                    try record.places(ofStep: step).map { try record.files(around: $0, in: images) }
                )
            } else {
                let (older, newer) = (
                    try await OpenedImage(before ?? "", in: images), try await OpenedImage(after ?? "", in: images)
                )
                comparison = try ImageComparison(
                    (older.image.id, older.content.configuration, older.files()),
                    (newer.image.id, newer.content.configuration, newer.files())
                )
            }
        } catch {
            let failure = FailureReport(error)
            failure.write()
            // 1 says that there are differences.
            return failure.status == .failure ? .usage : failure.status
        }
        switch format {
        case .text: Terminal.write(comparison.text, to: STDOUT_FILENO)
        case .json: try Terminal.print(json: comparison.document)
        }
        return comparison.isEmpty ? .success : .failure
    }
}
