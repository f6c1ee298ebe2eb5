internal import ArgumentParser
internal import Compose
internal import ContainerCommands
internal import Containers
internal import Distribution
internal import Images
internal import Reporting
internal import SystemPackage

/// Makes the containers of a service: what the file says, as the flags of `create` and what they have no words for.
struct ServiceRecipe: Sendable {
    let project: ComposeProject
    let definition: Project
    let service: Service
    let image: ResolvedImage

    /// Whether the names that it has in its networks are given to a container that runs one command too.
    var usesAliases = true
    /// Whether its ports are published.
    var publishesPorts = true

    /// What the image is called, by the user or by the project.
    var imageName: String { definition.image(of: service) }

    /// A container of the service.
    ///
    /// - Parameter number: Counted from 1.
    func container(named name: String, number: Int) throws -> NewContainer {
        var new = try container()
        new.flags.general.name = name
        new.flags.general.labels += labels(number: number, isOneOff: false)
        return new
    }

    /// A container that runs one command in the place of the service's.
    ///
    /// - Parameter slug: What makes its name its own.
    func oneOff(named name: String, slug: String) throws -> NewContainer {
        var new = try container()
        new.flags.general.name = name
        new.flags.general.restart = nil
        new.flags.general.labels += labels(number: 1, isOneOff: true) + ["\(ProjectLabel.slug)=\(slug)"]
        return new
    }

    private func container() throws -> NewContainer {
        var flags = try ContainerFlags.none()
        setProcess(&flags)
        try setNetwork(&flags)
        try setLimits(&flags)
        try setPrivileges(&flags)
        setHealth(&flags)
        setLogging(&flags)
        flags.general.volumesFrom = try service.volumesFrom.map(volumesFrom)
        flags.general.memoryFilesystems = service.temporaryFileSystems
        var new = NewContainer(flags, image: imageName, command: service.process.command ?? [])
        new.entrypoint = service.process.entrypoint
        new.healthTest = healthTest
        new.mounts = try mounts()
        for (kind, references, sources) in [
            ("secret", service.secrets, definition.secrets), ("config", service.configs, definition.configs),
        ] {
            for reference in references {
                let file = try FileOfProject(kind, reference, sources, variables: definition.variables)
                if let mount = file.mount { new.mounts.append(mount) } else { new.files.append(try file.copy()) }
            }
        }
        new.annotations[ServiceContainer.configurationKey] = try ServiceContainer.text(service.configuration.values)
        return new
    }

    private func labels(number: Int, isOneOff: Bool) -> [String] {
        let dependencies = service.dependencies.map { "\($0.service):\($0.condition.rawValue):\($0.restarts)" }
        let own = [
            (ProjectLabel.project, definition.name.text), (ProjectLabel.service, service.name),
            (ProjectLabel.number, "\(number)"), (ProjectLabel.isOneOff, isOneOff ? "True" : "False"),
            (ProjectLabel.hash, service.configuration.hash), (ProjectLabel.image, "\(image.id)"),
            (ProjectLabel.directory, definition.directory.string),
            (ProjectLabel.files, definition.files.map(\.string).joined(separator: ",")),
            (ProjectLabel.dependencies, dependencies.joined(separator: ",")),
            (ProjectLabel.version, ProjectLabel.followedVersion),
        ]
        return service.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } + own.map { "\($0.0)=\($0.1)" }
    }

    private func setProcess(_ flags: inout ContainerFlags) {
        let process = service.process
        flags.process.env = process.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        flags.process.usesTerminal = process.hasTerminal
        flags.process.isInteractive = process.keepsInputOpen
        flags.process.workingDirectory = process.workingDirectory
        flags.process.user = process.user
        flags.general.groups = process.groups
        flags.machine.usesInit = process.hasInit ?? false
        flags.general.platform = service.platform
        flags.general.isReadOnly = service.privileges.hasReadOnlyRoot
        flags.general.stopSignal = service.stop.signal
        // Whole seconds, and no less than what is asked for.
        flags.general.stopTimeout = service.stop.gracePeriod.map { Int(($0 + 999_999_999) / 1_000_000_000) }
        flags.general.restart =
            switch service.restart {
            case .no: nil
            case .always: "always"
            case .unlessStopped: "unless-stopped"
            case .onFailure(let count): count.map { "on-failure:\($0)" } ?? "on-failure"
            }
    }

    private func setLimits(_ flags: inout ContainerFlags) throws {
        let resources = service.resources
        flags.limits.processors = resources.cpus
        flags.limits.processorShares = resources.cpuShares
        flags.limits.processorPeriod = resources.cpuPeriod
        flags.limits.processorQuota = resources.cpuQuota
        flags.limits.processorSet = resources.cpuSet
        flags.limits.memory = resources.memory.map { "\($0)" }
        flags.limits.memoryReservation = resources.memoryReservation.map { "\($0)" }
        flags.limits.memoryAndSwap = resources.memoryAndSwap.map { "\($0)" }
        flags.limits.sharedMemorySize = resources.sharedMemory.map { "\($0)" }
        flags.limits.processes = resources.processes
        flags.limits.resourceLimits = resources.limits.sorted { $0.key < $1.key }.map {
            "\($0.key)=\($0.value.soft):\($0.value.hard)"
        }
        flags.machine.memoryScore = resources.outOfMemoryScore.map { Int32(clamping: $0) }
    }

    private func setPrivileges(_ flags: inout ContainerFlags) throws {
        let privileges = service.privileges
        flags.privileges.isPrivileged = privileges.isPrivileged
        flags.privileges.addedCapabilities = privileges.added
        flags.privileges.droppedCapabilities = privileges.dropped
        flags.privileges.securityOptions = privileges.securityOptions
        flags.privileges.kernelParameters = privileges.sysctls.sorted { $0.key < $1.key }.map {
            "\($0.key)=\($0.value)"
        }
        flags.machine.devices = privileges.devices.map { $0.joined(separator: ":") }
        flags.machine.ipc = try privileges.ipc.map(namespace)
        flags.machine.processes = try privileges.pid.map(namespace)
        flags.machine.names = privileges.uts
        flags.machine.users = privileges.userNamespace
    }

    private func setHealth(_ flags: inout ContainerFlags) {
        guard let check = service.healthCheck else { return }
        func text(_ time: Int64?) -> String? { time.map { "\($0)ns" } }
        flags.health.isOff = check.test == .none
        flags.health.interval = text(check.interval)
        flags.health.timeout = text(check.timeout)
        flags.health.startPeriod = text(check.startPeriod)
        flags.health.startInterval = text(check.startInterval)
        flags.health.retries = check.retries
    }

    private var healthTest: [String]? {
        switch service.healthCheck?.test {
        case .shell(let command): ["CMD-SHELL", command]
        case .program(let words): ["CMD"] + words
        case nil, .image, .some(.none): nil
        }
    }

    private func setLogging(_ flags: inout ContainerFlags) {
        let known = ["max-size", "max-file"]
        flags.general.logOptions = (service.logging?.options ?? [:]).sorted { $0.key < $1.key }.compactMap {
            name,
            value in
            if known.contains(name) { return "\(name)=\(value)" }
            ProjectProgress.warn("service `\(service.name)`: the logging option `\(name)` is ignored")
            return nil
        }
    }
}
