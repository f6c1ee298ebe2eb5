import ArgumentParser
import CommandSupport
import Images
import OCI
import Reporting
import TerminalUI

/// `swiftbuild tag`.
struct TagCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "tag",
        abstract: "Give an image another name.",
        discussion: """
            EXAMPLES:
              swiftbuild tag app:latest app:1.0
              swiftbuild tag d67a72454d75 registry.example.com/team/app
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "Name or ID of the image.")
    var source: String

    @Argument(help: "The new name.")
    var target: String

    func run() throws -> ExitStatus {
        let images = try global.store.openExisting()
        let reference = try ImageReference(newName: target)
        if let index = try images.findIndex(source) {
            try images.tag(index.index, as: reference)
        } else {
            try images.tag(try images.find(source), as: reference)
        }
        return .success
    }
}

/// `swiftbuild rmi`.
struct RemoveCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "rmi",
        abstract: "Remove names from images, and images that have none left.",
        discussion: """
            The content stays until `swiftbuild prune`, so builds can still use it.

            EXAMPLES:
              swiftbuild rmi app:1.0
              swiftbuild rmi -f d67a72454d75     an image with all its names
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "Names or IDs of images.")
    var names: [String]

    @Flag(
        name: [.customShort("f"), .customLong("force")],
        help: "Remove an image by ID with all its names; ignore missing images."
    )
    var isForced = false

    func run() throws -> ExitStatus {
        let images = try global.store.openExisting()
        var status = ExitStatus.success
        for name in names {
            do {
                // Removing takes a lock, which has its place in a store only.
                guard global.store.exists else { throw ImageError.notFound(name, similar: []) }
                for removal in try images.remove(name, force: isForced) { Terminal.print("\(removal)") }
            } catch ImageError.notFound where isForced {
                continue
            } catch {
                // The others are removed all the same, as Docker does.
                let failure = FailureReport(error)
                failure.write()
                status = failure.status
            }
        }
        return status
    }
}
