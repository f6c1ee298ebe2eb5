import ArgumentParser
import BuildRecords
import BuildService
import CommandSupport
import Containers
import Distribution
import FileSystem
import Glibc
import ImageAnalysis
import Images
import Layers
import OCI
import Reporting
import Snapshots
import Tar
import TerminalUI

/// `swiftbuild diff`.
struct DiffCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Show what a container changed, or compare two images.",
        discussion: """
            For a container, running or not, lists every path that it has added (A), changed (C) or removed (D); a \
            directory changes when something in it does.

            For two images, compares files, configuration, and packages of dpkg and apk. A file is added (A), removed \
            (D) or changed (C) in content, mode, owner, link target, device number or extended attributes; times do not \
            count. The exit code is 0 if nothing differs, 1 if something does, and 2 or more on errors.

            With --step, shows what a step of a build changed: of the last build, or of one given by its ID or by the \
            image that it built.

            \(ImageLocation.help)

            EXAMPLES:
              swiftbuild diff web
              swiftbuild diff app:1 app:2
              swiftbuild diff --step 3 last
              swiftbuild diff --format json app docker://registry.example.com/app
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var looking: PlatformOption

    @Argument(help: ArgumentHelp("A container, or the older image.", valueName: "container|image"))
    var before: String?

    @Argument(help: ArgumentHelp("The image to compare it with.", valueName: "image"))
    var after: String?

    @Option(
        name: .customLong("step"),
        help: ArgumentHelp("Show what this step of a build changed.", valueName: "number")
    )
    var step: Int?

    func validate() throws {
        if step != nil, after != nil { throw ValidationError("--step takes one build only") }
        if step == nil, before == nil { throw ValidationError("expected a container or two images") }
    }

    @Option(name: .customLong("format"), help: "How to print the differences.")
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
            } else if let before, after == nil {
                try show(try changes(ofContainer: before, images))
                return .success
            } else {
                let (older, newer) = (
                    try await OpenedImage(before ?? "", in: images, platform: looking.platform),
                    try await OpenedImage(after ?? "", in: images, platform: looking.platform)
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

    private func changes(ofContainer name: String, _ images: ImageStore) throws -> [FileChange] {
        do {
            return try ContainerStore(images.layers).find(name).changes()
        } catch ContainerStoreError.notFound {
            let isImage = (try? images.find(name)) != nil
            throw UserError(
                "there is no container `\(name)`",
                hints: isImage ? ["`\(name)` is an image; name a second one to compare it with"] : []
            )
        }
    }

    private func show(_ changes: [FileChange]) throws {
        switch format {
        case .text:
            let lines = changes.map { "\($0.kind.rawValue) \($0.path.escaped)\n" }
            Terminal.write(lines.joined(), to: STDOUT_FILENO)
        case .json:
            let files = changes.map { change in
                JSONValue.object([
                    "path": .string("\(change.path)"), "change": .string(change.kind.rawValue),
                ])
            }
            try Terminal.print(json: JSONValue.object(["files": .list(files)]))
        }
    }
}
