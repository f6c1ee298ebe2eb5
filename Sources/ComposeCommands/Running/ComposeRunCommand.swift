internal import ArgumentParser
internal import CommandSupport
internal import Compose
internal import ContainerCommands
internal import Containers
internal import Distribution
internal import Glibc
internal import Reporting
internal import TerminalUI

/// `swiftbuild compose run`.
struct ComposeRunCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run one command in a new container of a service.",
        discussion: """
            The services that it depends on are started first. Ports are published only with --service-ports. The exit \
            code is the command's.

            EXAMPLES:
              swiftbuild compose run --rm tests -k test_create
              swiftbuild compose run --rm --entrypoint sh web
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags
    @OptionGroup var process: ServiceProcessFlags
    @OptionGroup var options: OneOffFlags

    @Argument(help: "The service.")
    var service: String

    @Argument(parsing: .captureForPassthrough, help: "The command and its arguments, in place of the service's.")
    var command: [String] = []

    func run() async throws -> ExitStatus {
        let (project, definition) = try flags.open([service], in: global)
        guard let service = definition[service: service] else {
            throw ComposeProject.noService(service, among: definition.declaredServices)
        }
        let container = try await prepare(project, definition, service)
        guard !options.isDetached else {
            _ = try container.start(SupervisorEntry.arguments(container), attachment: nil)
            Terminal.print("\(container.record.name)")
            return .success
        }
        do {
            return try container.runInForeground(givesInput: options.isInteractive)
        } catch ContainerStoreError.notStarted(let reason, let code) {
            let failure = FailureReport(UserError(reason))
            failure.write()
            return [126, 127].contains(code) ? ExitStatus(rawValue: code) : .container
        }
    }

    /// Starts what the service needs, and creates the container.
    private func prepare(
        _ project: ComposeProject,
        _ definition: Project,
        _ service: Service
    ) async throws -> Container {
        var creation = try CreationFlags.parse([])
        creation.builds = options.builds
        creation.pull = options.pull
        creation.pullsQuietly = options.pullsQuietly
        creation.removesOrphans = options.removesOrphans
        let needed = Set(definition.services.map(\.name)).subtracting([service.name])
        if !options.leavesDependencies, !needed.isEmpty {
            let run = ProjectRun(
                project,
                definition.keeping(needed),
                creation,
                flags,
                in: global.store,
                services: []
            )
            try await run.create(starts: true)
        }
        let images = ProjectRun(project, definition, creation, flags, in: global.store, services: []).images
        let (options, process, command) = (options, process, command)
        return try await Signals.cancelling {
            guard let image = try await images.ensure([service])[service.name]?.image else {
                throw UserError("the service `\(service.name)` has no image")
            }
            try ProjectResources(project: project, definition: definition).create()
            if !options.leavesDependencies {
                try await DependencyWait(project: project, definition: definition).wait(for: service)
            }
            var recipe = ServiceRecipe(project: project, definition: definition, service: service, image: image)
            recipe.usesAliases = options.usesAliases
            recipe.publishesPorts = options.publishesPorts
            let slug = String(UInt64.random(in: 0..<(1 << 48)), radix: 16).leftPadded(to: 12)
            let name = options.name ?? "\(definition.name)-\(service.name)-run-\(slug)"
            do {
                var new = try recipe.oneOff(named: name, slug: slug)
                try options.change(&new, process, command)
                return try await new.create(of: image, in: project.images)
            } catch {
                throw CreationFailure.located(error, in: service)
            }
        }
    }
}

/// What `compose run` takes for its container.
struct OneOffFlags: ParsableArguments {
    @Flag(name: [.customShort("d"), .customLong("detach")], help: "Print the container's name, and do not wait.")
    var isDetached = false

    @Flag(name: .customLong("rm"), help: "Remove the container once it has ended.")
    var removes = false

    @Option(name: .customLong("name"), help: ArgumentHelp("What the container is called.", valueName: "name"))
    var name: String?

    @Flag(
        name: [.customShort("i"), .customLong("interactive")],
        inversion: .prefixedNo,
        help: "Keep the command's input open (the default)."
    )
    var isInteractive = true

    @Option(
        name: .customLong("entrypoint"),
        help: ArgumentHelp("Replace the service's entrypoint.", valueName: "command")
    )
    var entrypoint: String?

    @Option(
        name: [.customShort("v"), .customLong("volume")],
        help: ArgumentHelp("Mount a directory of this machine or a volume; may repeat.", valueName: "source:path[:ro]")
    )
    var volumes: [String] = []

    @Option(
        name: [.customShort("p"), .customLong("publish")],
        help: ArgumentHelp("Make a port reachable through this machine; may repeat.", valueName: "[port:]port")
    )
    var published: [String] = []

    @Flag(
        name: [.customShort("P"), .customLong("service-ports")],
        help: "Publish the ports of the service."
    )
    var publishesPorts = false

    @Flag(name: .customLong("use-aliases"), help: "Let others reach it by the service's names.")
    var usesAliases = false

    @Flag(name: .customLong("no-deps"), help: "Do not start the services that it depends on.")
    var leavesDependencies = false

    @Flag(name: .customLong("build"), help: "Build the images first.")
    var builds = false

    @Option(
        name: .customLong("pull"),
        help: ArgumentHelp("When images are pulled: missing, always, never.", valueName: "when")
    )
    var pull: CreationPullPolicy?

    @Flag(name: .customLong("quiet-pull"), help: "Do not show how images are pulled.")
    var pullsQuietly = false

    @Flag(name: .customLong("remove-orphans"), help: "Remove containers of services that are not in the file.")
    var removesOrphans = false

    @Option(
        name: [.customShort("l"), .customLong("label")],
        help: ArgumentHelp("Set a label; may repeat.", valueName: "name[=value]")
    )
    var labels: [String] = []

    @Option(name: .customLong("cap-add"), help: ArgumentHelp("Add a capability; may repeat.", valueName: "name"))
    var addedCapabilities: [String] = []

    @Option(name: .customLong("cap-drop"), help: ArgumentHelp("Take a capability away; may repeat.", valueName: "name"))
    var droppedCapabilities: [String] = []

    /// Lays the flags over what the service says.
    func change(_ new: inout NewContainer, _ process: ServiceProcessFlags, _ command: [String]) throws {
        if !command.isEmpty { new.command = command }
        if let entrypoint = entrypoint {
            new.entrypoint = entrypoint.split(separator: " ").map(String.init)
            if command.isEmpty { new.command = [] }
        }
        new.flags.process.env += try process.variables()
        if let user = process.user { new.flags.process.user = user }
        if let directory = process.workingDirectory { new.flags.process.workingDirectory = directory }
        new.flags.process.usesTerminal = process.usesTerminal && !isDetached
        new.flags.process.isInteractive = isInteractive && !isDetached
        new.flags.general.removes = removes
        new.flags.general.volumes += volumes
        new.flags.general.labels += labels
        new.flags.network.published += published
        new.flags.privileges.addedCapabilities += addedCapabilities
        new.flags.privileges.droppedCapabilities += droppedCapabilities
    }
}

extension String {
    fileprivate func leftPadded(to length: Int) -> String {
        String(repeating: "0", count: max(0, length - count)) + self
    }
}
