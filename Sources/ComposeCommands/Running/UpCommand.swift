internal import ArgumentParser
internal import CommandSupport
internal import Compose
internal import Containers
internal import Distribution
internal import FileSystem
internal import Glibc
internal import Reporting
internal import TerminalUI

/// `swiftbuild compose up`.
struct ComposeUpCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Create and start the containers of services.",
        discussion: """
            Containers that are as the Compose file says stay as they are; --explain tells why others do not. Without \
            -d their output is shown, and Ctrl-C stops them.

            EXAMPLES:
              swiftbuild compose up
              swiftbuild compose up -d --wait
              swiftbuild compose up --build --explain web
              swiftbuild compose up --abort-on-container-exit --exit-code-from tests
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags
    @OptionGroup var creation: CreationFlags
    @OptionGroup var up: UpFlags
    @OptionGroup var readiness: ReadinessFlags

    @Argument(help: "Only these services, and those that they depend on.")
    var services: [String] = []

    func run() async throws -> ExitStatus {
        try readiness.check()
        try up.check(waits: readiness.waits)
        let (project, definition) = try creation.open(services, flags, in: global)
        let watch = try up.watches ? ProjectWatch(project, definition, services, flags, in: global.store) : nil
        let began = WallClock.now
        let run = ProjectRun(
            project,
            definition,
            creation,
            flags,
            in: global.store,
            services: services,
            explains: up.explains
        )
        try await run.create(starts: !up.startsNot, explains: up.explains)
        if up.startsNot { return .success }
        let names = definition.services.map(\.name)
        if up.isDetached || readiness.waits {
            let wait = DependencyWait(project: project, definition: definition)
            if readiness.waits {
                try await wait.wait(for: try project.containers(of: names), seconds: readiness.timeout)
            }
            return .success
        }
        let shown = up.attached.isEmpty ? (up.attachesDependencies ? [] : services) : up.attached
        let attached = Set(try project.containers(of: shown).map(\.service)).intersection(names)
        return try await AttachedProject(
            run: run,
            services: attached.subtracting(up.unattached),
            watch: watch,
            style: ServiceLogs.Style(
                hasPrefix: !up.hasNoPrefix,
                hasColours: !up.hasNoColour && Terminal.usesColour(STDOUT_FILENO),
                showsTimes: up.showsTimes
            ),
            since: began,
            ending: up.ending
        ).show()
    }
}

/// What `up` takes besides what `create` takes.
struct UpFlags: ParsableArguments {
    @Flag(name: [.customShort("d"), .customLong("detach")], help: "Do not show the output of the containers.")
    var isDetached = false

    @Flag(name: .customLong("no-start"), help: "Only create the containers.")
    var startsNot = false

    @Flag(
        name: [.customShort("w"), .customLong("watch")],
        help: "Bring changes of files to the containers, as `develop.watch` says."
    )
    var watches = false

    @Flag(name: .customLong("explain"), help: "Tell why each container was kept, created or replaced.")
    var explains = false

    @Flag(name: .customLong("abort-on-container-exit"), help: "Stop all containers as soon as one has ended.")
    var abortsOnExit = false

    @Flag(name: .customLong("abort-on-container-failure"), help: "Stop all containers as soon as one has failed.")
    var abortsOnFailure = false

    @Option(
        name: .customLong("exit-code-from"),
        help: ArgumentHelp(
            "Exit with the code of a service's container, and stop all when it ends.",
            valueName: "service"
        )
    )
    var exitCodeService: String?

    @Option(
        name: .customLong("attach"),
        help: ArgumentHelp("Show only the output of this service; may repeat.", valueName: "service")
    )
    var attached: [String] = []

    @Option(
        name: .customLong("no-attach"),
        help: ArgumentHelp("Do not show the output of this service; may repeat.", valueName: "service")
    )
    var unattached: [String] = []

    @Flag(name: .customLong("attach-dependencies"), help: "Show the output of the services that others depend on too.")
    var attachesDependencies = false

    @Flag(name: .customLong("no-log-prefix"), help: "Show output without the name of its container.")
    var hasNoPrefix = false

    @Flag(name: .customLong("no-color"), help: "Show names without colours.")
    var hasNoColour = false

    @Flag(name: .customLong("timestamps"), help: "Show when each line was written.")
    var showsTimes = false

    func check(waits: Bool) throws {
        let ends = abortsOnExit || abortsOnFailure || exitCodeService != nil
        if watches, ends || isDetached || waits || startsNot {
            throw UserError(
                "--watch excludes --detach, --wait, --no-start, --abort-on-container-exit and its kind",
                status: .usage
            )
        }
        if isDetached || waits, ends {
            throw UserError(
                "--abort-on-container-exit and its kind need the output, and no --detach or --wait",
                status: .usage
            )
        }
        if abortsOnExit, abortsOnFailure {
            throw UserError(
                "--abort-on-container-exit and --abort-on-container-failure exclude each other",
                status: .usage
            )
        }
    }

    var ending: AttachedProject.Ending {
        if let exitCodeService { return .withService(exitCodeService) }
        return abortsOnExit ? .withAny : abortsOnFailure ? .withFailure : .withLast
    }
}
