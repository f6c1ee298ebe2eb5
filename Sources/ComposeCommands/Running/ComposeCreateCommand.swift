internal import ArgumentParser
internal import CommandSupport
internal import Reporting

/// `swiftbuild compose create`.
struct ComposeCreateCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create the containers of services without starting them.",
        discussion: """
            EXAMPLES:
              swiftbuild compose create
              swiftbuild compose start
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags
    @OptionGroup var creation: CreationFlags

    @Argument(help: "Only these services, and those that they depend on.")
    var services: [String] = []

    func run() async throws -> ExitStatus {
        let (project, definition) = try creation.open(services, flags, in: global)
        try await ProjectRun(project, definition, creation, flags, in: global.store, services: services)
            .create(starts: false)
        return .success
    }
}
