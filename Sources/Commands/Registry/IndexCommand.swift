import ArgumentParser
import CommandSupport
import Images
import OCI
import Reporting
import TerminalUI

/// `swiftbuild index`.
struct IndexCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index",
        abstract: "Join images for several platforms under one name.",
        discussion: """
            EXAMPLES:
              swiftbuild index create registry.example.com/app:1 app:amd64 app:arm64
              swiftbuild index push registry.example.com/app:1
            """,
        subcommands: [IndexCreateCommand.self, IndexPushCommand.self]
    )
}

/// `swiftbuild index create`.
struct IndexCreateCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Give a name to several images of the store, one for each platform.",
        discussion: """
            EXAMPLES:
              swiftbuild index create registry.example.com/app:1 app:amd64 app:arm64
            """
    )

    @OptionGroup var global: GlobalOptions

    @Option(
        name: .customLong("annotation"),
        help: ArgumentHelp(
            "For the index, or with `manifest-descriptor[os/arch]:` for its entries; may repeat.",
            valueName: "[type:]name=value"
        )
    )
    var annotations: [String] = []

    @Argument(help: "The name.")
    var name: String

    @Argument(help: "Names or IDs of images; of an index, all its images.")
    var members: [String]

    func run() throws -> ExitStatus {
        let reference = try ImageReference(newName: name)
        let annotations = try IndexAnnotations(parsing: annotations)
        let images = try global.store.openExisting()
        let joined = try members.flatMap { member -> [StoredImage] in
            do {
                return try images.findIndex(member)?.index.images ?? [try images.find(member)]
            } catch let error as ImageError {
                guard case .notFound = error else { throw error }
                throw UserError("\(error)", hints: ["`swiftbuild pull --platform OS/ARCH` fetches images first"])
            }
        }
        Terminal.print("\(try images.makeIndex(joined, annotations: annotations, name: reference).descriptor.digest)")
        return .success
    }
}

/// `swiftbuild index push`.
struct IndexPushCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Send an index and all its images to a registry.",
        discussion: """
            EXAMPLES:
              swiftbuild index push registry.example.com/app:1
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var options: PushOptions

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Print nothing but the name.")
    var isQuiet = false

    @Argument(help: "Names of indexes.")
    var names: [String]

    func run() async throws -> ExitStatus {
        try await options.push(names, from: try global.store.openExisting(), isQuiet: isQuiet, onlyIndexes: true)
        return .success
    }
}
