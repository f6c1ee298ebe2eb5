import ArgumentParser
import CommandSupport
import Containers
import Glibc
import Reporting
import TerminalUI

/// `swiftbuild rm`.
struct RemoveContainerCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Remove containers.",
        discussion: """
            EXAMPLES:
              swiftbuild rm web
              swiftbuild rm -f $(swiftbuild ps -aq)
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(name: [.customShort("f"), .customLong("force")], help: "Kill running containers; ignore missing ones.")
    var isForced = false

    @Flag(name: [.customShort("v"), .customLong("volumes")], help: "Remove their anonymous volumes too.")
    var removesVolumes = false

    @Argument(help: "Names or IDs of containers.")
    var names: [String]

    func run() throws -> ExitStatus {
        let store = try global.containers()
        return names.forEachContainer(
            in: store,
            ignoresMissing: isForced,
            find: { name in
                do {
                    return try store.find(name)
                } catch ContainerStoreError.damaged(let id, _) where isForced {
                    try store.removeDamaged(id)
                    return nil
                }
            }
        ) { container in
            try remove(container, store)
            return nil
        }
    }

    private func remove(_ container: Container, _ store: ContainerStore) throws {
        if container.state.isRunning {
            guard isForced else {
                throw UserError(
                    "the container `\(container.record.name)` is running",
                    hints: ["`swiftbuild stop` ends it; `rm -f` kills it"]
                )
            }
            try container.end()
        } else {
            try store.remove(container, waiting: 10)
        }
        if removesVolumes { try VolumeStore(store.layers).removeAnonymous(of: container, containers: store) }
    }
}

/// `swiftbuild rename`.
struct RenameCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "rename",
        abstract: "Give a container another name.",
        discussion: """
            EXAMPLES:
              swiftbuild rename agile_kite web
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "Name or ID of a container.")
    var name: String

    @Argument(help: "The new name.")
    var newName: String

    func run() throws -> ExitStatus {
        let store = try global.containers()
        try store.rename(try store.find(name).id, to: try ContainerName(newName))
        return .success
    }
}
