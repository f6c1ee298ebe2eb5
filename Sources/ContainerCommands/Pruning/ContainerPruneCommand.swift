import ArgumentParser
import CommandSupport
import Reporting

/// `swiftbuild container`.
struct ContainerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "container",
        abstract: "Docker's other names of the commands on containers, and `prune`.",
        discussion: """
            EXAMPLES:
              swiftbuild container prune
              swiftbuild container ls        the same as `swiftbuild ps`
            """,
        subcommands: [ContainerPruneCommand.self]
    )
}

/// `swiftbuild container prune`.
struct ContainerPruneCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove all containers that do not run.",
        discussion: """
            EXAMPLES:
              swiftbuild container prune
              swiftbuild container prune -f --filter until=24h
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: PruneFlags

    func run() throws -> ExitStatus {
        let filter = try PruneFilter(flags.filters)
        guard try flags.confirm(["all stopped containers"]) else { return .success }
        let (ids, bytes) = try global.containers().prune(filter)
        var pruned = PrunedObjects()
        pruned.add("Containers", ids, freed: bytes)
        pruned.finish()
        return .success
    }
}
