internal import ArgumentParser
internal import CommandSupport
internal import Compose
internal import ContainerCommands
internal import Containers
internal import Reporting
internal import TerminalUI

/// `swiftbuild compose start`.
struct ComposeStartCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Start the containers of services that there are.",
        discussion: """
            EXAMPLES:
              swiftbuild compose start db
              swiftbuild compose start --wait
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags
    @OptionGroup var readiness: ReadinessFlags

    @Argument(help: "Only these services.")
    var services: [String] = []

    func run() async throws -> ExitStatus {
        try readiness.check()
        let project = try flags.openExisting(in: global)
        let containers = try project.containers(of: services)
        for service in services where !containers.contains(where: { $0.service == service }) {
            throw UserError(
                "the service `\(service)` has no container to start",
                hints: ["`compose up -d \(service)` creates and starts it"]
            )
        }
        let wait = DependencyWait(project: project, definition: project.definition)
        try await Signals.cancelling {
            try await ProjectStop(project: project).inOrder(containers.filter { !$0.isRunning }, reversed: false) {
                if let service = project.definition?[service: $0.service] { try await wait.wait(for: service) }
                try await ContainerLife(project: project).start($0.container)
                ProjectProgress.show(.container, $0.name, "Started")
            }
        }
        if readiness.waits { try await wait.wait(for: containers, seconds: readiness.timeout) }
        return .success
    }
}

/// `swiftbuild compose stop`.
struct ComposeStopCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop the containers of services, and keep them.",
        discussion: """
            EXAMPLES:
              swiftbuild compose stop
              swiftbuild compose stop -t 30 db
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Option(
        name: [.customShort("t"), .customLong("timeout")],
        help: ArgumentHelp("Seconds before they are killed.", valueName: "seconds")
    )
    var timeout: Int?

    @Argument(help: "Only these services.")
    var services: [String] = []

    func run() async throws -> ExitStatus {
        let project = try flags.openExisting(in: global)
        let containers = try project.containers(of: services)
        let timeout = timeout
        try await Signals.cancelling { try await ProjectStop(project: project, timeout: timeout).stop(containers) }
        return .success
    }
}

/// `swiftbuild compose restart`.
struct ComposeRestartCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract: "Stop the containers of services and start them again, as they are.",
        discussion: """
            Changes of the Compose file are what `compose up` is for.

            EXAMPLES:
              swiftbuild compose restart web
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Option(
        name: [.customShort("t"), .customLong("timeout")],
        help: ArgumentHelp("Seconds before they are killed.", valueName: "seconds")
    )
    var timeout: Int?

    @Flag(name: .customLong("no-deps"), help: "Leave alone the services that depend on them with `restart: true`.")
    var leavesDependents = false

    @Argument(help: "Only these services.")
    var services: [String] = []

    func run() async throws -> ExitStatus {
        let project = try flags.openExisting(in: global)
        var names = services
        if !services.isEmpty, !leavesDependents {
            let definitions = project.definition?.services ?? []
            names += definitions.filter { service in
                !services.contains(service.name)
                    && service.dependencies.contains { $0.restarts && services.contains($0.service) }
            }.map(\.name)
        }
        let containers = try project.containers(of: names)
        let timeout = timeout
        try await Signals.cancelling {
            try await ProjectStop(project: project).inOrder(containers, reversed: false) { container in
                try await ContainerLife(project: project).stop(container.container, timeout: timeout)
                try await ContainerLife(project: project).start(container.container)
                container.container.note("restart")
                ProjectProgress.show(.container, container.name, "Restarted")
            }
        }
        return .success
    }
}

/// `swiftbuild compose kill`.
struct ComposeKillCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "Send the running containers of services a signal, SIGKILL by default.",
        discussion: """
            EXAMPLES:
              swiftbuild compose kill -s HUP web
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Option(
        name: [.customShort("s"), .customLong("signal")],
        help: ArgumentHelp("By name or number.", valueName: "signal")
    )
    var signal = "KILL"

    @Flag(name: .customLong("remove-orphans"), help: "Also containers of services that are not in the file.")
    var includesOrphans = false

    @Argument(help: "Only these services.")
    var services: [String] = []

    func run() throws -> ExitStatus {
        guard let number = SignalName.number(signal) else {
            throw UserError("--signal: unknown signal `\(signal)`", status: .usage)
        }
        let project = try flags.openExisting(in: global)
        for container in try project.containers(of: services) where container.isRunning {
            let isOrphan = project.definition.map { !$0.declaredServices.contains(container.service) } ?? false
            guard !isOrphan || includesOrphans else { continue }
            try container.container.kill(number)
            ProjectProgress.show(.container, container.name, "Killed")
        }
        return .success
    }
}

/// `swiftbuild compose pause`.
struct ComposePauseCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Suspend all processes of services.",
        discussion: """
            EXAMPLES:
              swiftbuild compose pause db
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Argument(help: "Only these services.")
    var services: [String] = []

    func run() throws -> ExitStatus {
        for container in try flags.openExisting(in: global).containers(of: services)
        where container.container.state.status == .running {
            try container.container.setPaused(true)
            ProjectProgress.show(.container, container.name, "Paused")
        }
        return .success
    }
}

/// `swiftbuild compose unpause`.
struct ComposeUnpauseCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "unpause",
        abstract: "Resume the paused containers of services.",
        discussion: """
            EXAMPLES:
              swiftbuild compose unpause db
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Argument(help: "Only these services.")
    var services: [String] = []

    func run() throws -> ExitStatus {
        for container in try flags.openExisting(in: global).containers(of: services)
        where container.container.state.status == .paused {
            try container.container.setPaused(false)
            ProjectProgress.show(.container, container.name, "Unpaused")
        }
        return .success
    }
}
