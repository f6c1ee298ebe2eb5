import ArgumentParser
import BuildEngine
import CommandSupport
import Distribution
import Images
import OCI
import Registry
import Reporting
import TerminalUI

/// `swiftbuild pull`.
struct PullCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Fetch images from registries.",
        discussion: """
            EXAMPLES:
              swiftbuild pull alpine         the tag latest, for this machine
              swiftbuild pull --platform linux/arm64 alpine:3.20
            """
    )

    @OptionGroup var global: GlobalOptions

    @Option(
        name: .customLong("platform"),
        help: ArgumentHelp("Which of the image's platforms.", valueName: "os/arch")
    )
    var platform: String?

    @Flag(name: [.customShort("a"), .customLong("all-tags")], help: "Fetch all tags of a repository.")
    var takesAllTags = false

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Print nothing but the name.")
    var isQuiet = false

    @Argument(help: "Names of images.")
    var names: [String]

    func run() async throws -> ExitStatus {
        // All of them, before anything happens.
        var references = try names.map { try ImageReference(parsing: $0) }
        if takesAllTags { try PushOptions.checkRepositories(names) }
        let platform = try Platform.wanted(platform) ?? .host
        let images = try global.store.open()
        let progress = TransferProgress(isQuiet: isQuiet)
        let puller = ImagePuller(.shared, into: images) { progress.show($0) }
        if takesAllTags {
            let repositories = references
            references = try await Signals.cancelling {
                var tagged: [ImageReference] = []
                for repository in repositories { tagged += try await puller.tags(of: repository) }
                return tagged
            }
        }
        defer { progress.finish() }
        for reference in references {
            let pulled = try await Signals.cancelling { try await puller.pull(reference, platform: platform) }
            progress.finish()
            if !isQuiet {
                let status = pulled.isNew ? "Downloaded newer image for" : "Image is up to date for"
                Terminal.print("Digest: \(pulled.digest)\nStatus: \(status) \(reference.familiar)")
            }
            Terminal.print("\(reference)")
        }
        return .success
    }
}
