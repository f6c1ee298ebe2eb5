import ContainerNetworks
import ContainerRuntime
import Containers
import FileSystem
import Formatting
import Glibc
import Layers
import OCI
import Reporting
import Sandbox
import SystemPackage

/// Makes the record of a container from what the command line says and what its image says.
struct ContainerCreation {
    let flags: ContainerFlags
    /// What the user calls the image.
    let image: String
    let command: [String]
    /// Beside those of `-v`, `--tmpfs` and `--volumes-from`.
    let mounts: [MountOption]
    let files: [ContainerFile]
    /// Beside those of the flags.
    let annotations: [String: String]
    /// `NAME=value`, over the image's.
    let environment: [String]
    let imageID: Digest
    let configuration: ImageConfiguration
    /// Of the image, lowest first.
    let layers: [Layer]
    let store: LayerStore

    private var execution: ImageConfiguration.Execution { configuration.config }

    /// - Throws: `UserError` with the status for wrong use, `ContainerError`, `ContainerStoreError`.
    func create() throws -> Container {
        let stack = try LayerStack(layers, in: store)
        let id = ContainerID.random()
        var options = try options()
        options.hostname = flags.general.hostname ?? id.short
        var mounts = VolumeMounts(VolumeStore(store), stack)
        for text in flags.general.volumes { try mounts.add(text) }
        for mount in self.mounts { try mounts.add(mount) }
        for text in flags.general.memoryFilesystems { try mounts.addMemory(text) }
        for text in flags.general.volumesFrom { try addVolumes(from: text, to: &mounts) }
        for path in (execution.volumes ?? [:]).keys.sorted() { try mounts.addAnonymous(path) }
        let users = try stack.users()
        var process = try ProcessSpecification(execution, name: image, users: users, options)
        process.limits = try flags.limits.resourceLimits.map { text in
            try UserError.reading("--ulimit", text, ResourceLimit.init(parsing:))
        }
        process.addGroups(try groups(users))
        if let text = flags.limits.sharedMemorySize { process.sharedMemorySize = UInt64(try size("--shm-size", text)) }
        let name = try flags.general.name.map { text throws(ContainerStoreError) in try ContainerName(text) }
        var record = ContainerRecord(
            id: id,
            name: try name ?? ContainerName(id.short),
            created: .now,
            image: image,
            imageID: imageID,
            platform: configuration.platform,
            layers: layers,
            process: process
        )
        record.addedGroups = flags.general.groups
        record.configuration = execution.merging(flags, command: command, environment: environment)
        record.configuration.hostname = process.hostname
        try complete(&record)
        let containers = ContainerStore(store)
        if let name, mounts.areIncomplete { try containers.checkIsFree(name) }
        // Nothing is made before everything has been checked.
        (record.process.mounts, record.volumes) = try mounts.make()
        record.process.mounts += files.mounts(in: containers.directory(id))
        return try containers.create(named: name, files: files) { name in
            var named = record
            named.name = name
            return named
        }
    }

    private func addVolumes(from text: String, to mounts: inout VolumeMounts) throws {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        guard let name = parts.first, parts.count == 1 || ["ro", "rw", "z", "Z"].contains(parts[1]) else {
            throw UserError("--volumes-from: invalid `\(text)`: expected CONTAINER[:ro]", status: .usage)
        }
        try mounts.addAll(from: try ContainerStore(store).find(name), isReadOnly: parts.count == 2 && parts[1] == "ro")
    }

    private func options() throws -> ContainerOptions {
        var options = ContainerOptions()
        options.command = command
        options.entrypoint = flags.general.entrypoint
        options.environment = environment
        options.workingDirectory = flags.process.workingDirectory
        options.user = flags.process.user
        options.usesTerminal = flags.process.usesTerminal
        if flags.privileges.isPrivileged { options.privileges = .all }
        for text in flags.privileges.securityOptions { try options.privileges.apply(text) }
        try setCapabilities(&options.privileges.capabilities)
        return options
    }

    /// What is named wins over `ALL`, whichever option says so; what is added wins over what is dropped.
    private func setCapabilities(_ set: inout CapabilitySet) throws {
        let added = try flags.privileges.addedCapabilities.map { try capabilities("--cap-add", $0) }
        let dropped = try flags.privileges.droppedCapabilities.map { try capabilities("--cap-drop", $0) }
        if dropped.contains(.all) { set = [] }
        if added.contains(.all) { set = .all }
        for capability in dropped where capability != .all { set.subtract(capability) }
        for capability in added where capability != .all { set.formUnion(capability) }
    }

    private func capabilities(_ option: String, _ text: String) throws -> CapabilitySet {
        let name = text.uppercased()
        if name == "ALL" { return .all }
        guard let set = CapabilitySet(name: name.hasPrefix("CAP_") ? name : "CAP_" + name) else {
            throw UserError("\(option): unknown capability `\(text)`", status: .usage)
        }
        return set
    }

    /// `NAME=value` and, of this process's environment, `NAME`; files first, so that the command line wins.
    static func variables(_ texts: [String], files: [String], option: String, usesEnvironment: Bool) throws -> [String]
    {
        var lines: [(text: String, origin: String)] = []
        for file in files {
            let bytes = try FileOperations.read(FilePath(file), limit: 16 << 20)
            for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
                let text = String(line.drop { $0 == " " || $0 == "\t" })
                if !text.isEmpty, !text.hasPrefix("#") { lines.append((text, file)) }
            }
        }
        lines += texts.map { ($0, option) }
        return try lines.compactMap { text, origin in
            guard let first = text.first, first != "=" else {
                throw UserError("\(origin): `\(text)` has no name", status: .usage)
            }
            if text.contains("=") { return text }
            return usesEnvironment ? ProcessEnvironment[text].map { "\(text)=\($0)" } : "\(text)="
        }
    }

    /// What `--label` and `--label-file` say.
    static func labels(_ texts: [String], files: [String]) throws -> [String: String] {
        let pairs = try variables(texts, files: files, option: "--label", usesEnvironment: false).map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return (parts[0], parts[1])
        }
        return Dictionary(pairs) { $1 }
    }

    func size(_ option: String, _ text: String) throws -> Int64 {
        guard let size = ByteSize.binary(text) else {
            throw UserError("\(option): invalid size `\(text)`: expected, for example, 512m", status: .usage)
        }
        return size
    }

    // MARK: What is not of the process

    private func complete(_ record: inout ContainerRecord) throws {
        let exposed = (execution.exposedPorts ?? [:]).keys
        try flags.network.apply(to: &record, imagePorts: exposed, in: ContainerStore(store))
        record.labels = execution.labels ?? [:]
        record.labels.merge(try ContainerCreation.labels(flags.general.labels, files: flags.general.labelFiles)) { $1 }
        if let text = flags.general.stopSignal ?? execution.stopSignal, !text.isEmpty {
            guard let signal = SignalName.number(text) else {
                throw UserError("--stop-signal: unknown signal `\(text)`", status: .usage)
            }
            record.stopSignal = signal
        }
        record.stopTimeout = flags.general.stopTimeout ?? execution.stopTimeout ?? 10
        if let text = flags.general.restart { record.restart = try RestartPolicy(parsing: text) }
        if flags.general.removes, record.restart != .no {
            throw UserError("--rm and --restart exclude each other", status: .usage)
        }
        record.isRemovedAfterwards = flags.general.removes
        record.isInteractive = flags.process.isInteractive
        record.isRootReadOnly = flags.general.isReadOnly
        for text in flags.privileges.kernelParameters {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, KernelParameter(name: parts[0], value: parts[1]) != nil else {
                throw UserError(
                    "--sysctl: `\(text)` is not a parameter of a container's own namespaces, such as "
                        + "net.ipv4.ip_unprivileged_port_start=0",
                    status: .usage
                )
            }
            record.kernelParameters[parts[0]] = parts[1]
        }
        record.health = try health()
        record.log = try log()
        record.limits = try limits()
        try addMachine(&record)
        record.annotations.merge(annotations) { $1 }
    }

    private func log() throws -> LogLimits {
        var limits = LogLimits()
        for text in flags.general.logOptions {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            switch (parts.first, parts.count == 2 ? parts[1] : "") {
            case ("max-size", let value):
                limits.fileSize = value == "-1" ? nil : try size("--log-opt max-size", value)
            case ("max-file", let value):
                guard let count = Int(value), count > 0 else {
                    throw UserError("--log-opt max-file: invalid number `\(value)`", status: .usage)
                }
                limits.fileCount = count
            default:
                throw UserError("--log-opt: unknown `\(text)`; known are max-size and max-file", status: .usage)
            }
        }
        return limits
    }

    private func health() throws -> HealthCheck? {
        let (stored, flags) = (execution.healthcheck, flags.health)
        guard !flags.isOff else { return nil }
        let shell = execution.shell ?? ["/bin/sh", "-c"]
        let command: [String]
        switch (flags.command, stored?.test?.first) {
        case (let text?, _): command = ["/bin/sh", "-c", text]
        case (nil, "CMD"): command = Array((stored?.test ?? []).dropFirst())
        case (nil, "CMD-SHELL"): command = shell + (stored?.test ?? []).dropFirst()
        default: return nil
        }
        guard !command.isEmpty else { return nil }
        var check = HealthCheck(command: command)
        func time(_ option: String, _ text: String?, _ value: Int64?, _ usual: Int64) throws -> Int64 {
            guard let text else { return value.flatMap { $0 > 0 ? $0 : nil } ?? usual }
            guard let time = GoDuration.nanoseconds(text), time >= 0 else {
                throw UserError("\(option): invalid duration `\(text)`: expected, for example, 30s", status: .usage)
            }
            return time
        }
        check.interval = try time("--health-interval", flags.interval, stored?.interval, check.interval)
        check.timeout = try time("--health-timeout", flags.timeout, stored?.timeout, check.timeout)
        check.startPeriod = try time("--health-start-period", flags.startPeriod, stored?.startPeriod, 0)
        check.startInterval = try time(
            "--health-start-interval",
            flags.startInterval,
            stored?.startInterval,
            check.startInterval
        )
        check.retries = flags.retries ?? stored?.retries.flatMap { $0 > 0 ? $0 : nil } ?? check.retries
        return check
    }
}
