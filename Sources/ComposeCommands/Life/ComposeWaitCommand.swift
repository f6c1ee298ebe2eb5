internal import ArgumentParser
internal import CommandSupport
internal import Containers
internal import Reporting
internal import TerminalUI

/// `swiftbuild compose wait`.
struct ComposeWaitCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Wait until containers of services end, and exit with the code of the first one.",
        discussion: """
            EXAMPLES:
              swiftbuild compose wait migrations
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Argument(help: "The services.")
    var services: [String]

    func run() throws -> ExitStatus {
        let containers = try flags.openExisting(in: global).containers(of: services).filter(\.isRunning)
        guard !containers.isEmpty else { throw UserError("no container of these services is running") }
        let codes = try containers.map { container in
            let code = try container.container.wait()
            Terminal.print("\(container.name) exited with code \(code)")
            return code
        }
        return ExitStatus(rawValue: codes.first ?? 0)
    }
}

/// `swiftbuild compose scale`.
struct ComposeScaleCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "scale",
        abstract: "Set how many containers services have.",
        discussion: """
            EXAMPLES:
              swiftbuild compose scale web=3 worker=2
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Flag(name: .customLong("no-deps"), help: "Leave alone the services that others depend on.")
    var leavesDependencies = false

    @Argument(help: ArgumentHelp("Services with their numbers.", valueName: "service=number"))
    var scales: [String]

    func run() async throws -> ExitStatus {
        var creation = try CreationFlags.parse([])
        creation.scales = scales
        creation.leavesDependencies = leavesDependencies
        creation.keeps = true
        let services = scales.map { String($0.prefix { $0 != "=" }) }
        let (project, definition) = try creation.open(services, flags, in: global)
        try await ProjectRun(project, definition, creation, flags, in: global.store, services: services)
            .create(starts: true)
        return .success
    }
}
