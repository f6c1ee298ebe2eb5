internal import ArgumentParser
internal import CommandSupport
internal import Compose
internal import Reporting

/// `swiftbuild compose watch`.
struct ComposeWatchCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Bring changes of files to containers, as `develop.watch` of their services says.",
        discussion: """
            Builds and starts the services first. Files are copied into the containers, services built again or \
            restarted, and commands run in them, until it is interrupted; the containers stay.

            EXAMPLES:
              swiftbuild compose watch
              swiftbuild compose watch --no-up web
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Flag(name: .customLong("no-up"), help: "Do not build and start the services first.")
    var startsNot = false

    @Flag(name: .customLong("quiet"), help: "Do not show how images are built.")
    var isQuiet = false

    @Argument(help: "Only these services.")
    var services: [String] = []

    func run() async throws -> ExitStatus {
        let (project, definition) = try flags.open(services, in: global)
        let quiet = isQuiet ? ["--quiet-pull"] : []
        let watch = try ProjectWatch(project, definition, services, flags, in: global.store, creation: quiet)
        let up = try CreationFlags.parse(["--build"] + quiet)
        if !startsNot {
            let run = ProjectRun(project, definition, up, flags, in: global.store, services: services)
            try await run.create(starts: true)
        }
        try await Signals.cancelling { try await watch.follow() }
        return .success
    }
}
