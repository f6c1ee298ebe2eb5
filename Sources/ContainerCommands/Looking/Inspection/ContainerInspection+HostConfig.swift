import ContainerNetworks
import ContainerRuntime
import Containers
import Formatting
import Glibc
import OCI
import Sandbox

extension ContainerInspection {
    /// Docker's `HostConfig`.
    var hostConfiguration: JSONValue {
        var result = ContainerInspection.unused
        result.merge(asked) { $1 }
        result.merge(privileges) { $1 }
        result.merge(limits) { $1 }
        result.merge(machine) { $1 }
        return .object(result)
    }

    private static func list(_ texts: [String]) -> JSONValue { texts.isEmpty ? .null : .strings(texts) }

    /// As `--tmpfs` has it.
    private static func text(ofMemory size: UInt64?, _ options: ProcessSpecification.Mount.MemoryOptions?) -> String {
        var result = size.map { ["size=\(ByteSize.text(binary: Int64(clamping: $0)))"] } ?? []
        if let options {
            if options.permissions != 0o1777 { result.append("mode=\(String(options.permissions, radix: 8))") }
            if options.userID != 0 { result.append("uid=\(options.userID)") }
            if options.groupID != 0 { result.append("gid=\(options.groupID)") }
            if !options.forbidsPrograms { result.append("exec") }
        }
        return result.joined(separator: ",")
    }

    private var asked: [String: JSONValue] {
        var (binds, memory): ([String], [String: JSONValue]) = ([], [:])
        for mount in record.process.mounts {
            guard let target = mount.target else { continue }
            switch mount.source {
            case .bind(let path) where volumes[path]?.record.isAnonymous != true:
                binds.append("\(volumes[path]?.name ?? path):\(target)" + (mount.isReadOnly ? ":ro" : ""))
            case .memory(let size, let options):
                memory[target] = .string(ContainerInspection.text(ofMemory: size, options))
            default: break
            }
        }
        var log: [String: JSONValue] = [:]
        if let size = record.log.fileSize { log["max-size"] = .string(ByteSize.text(binary: size)) }
        if record.log.fileCount > 1 { log["max-file"] = .string(String(record.log.fileCount)) }
        let restart = "\(record.restart)".split(separator: ":")
        var result: [String: JSONValue] = [
            "Binds": ContainerInspection.list(binds),
            "LogConfig": .object(["Type": "json-file", "Config": .object(log)]),
            "NetworkMode": .string(networkMode),
            "PortBindings": portBindings,
            "PublishAllPorts": .boolean(record.publishesAllPorts),
            "Dns": .list(record.resolver.servers.map { .string("\($0)") }),
            "DnsSearch": .list(record.resolver.search.map { .string($0) }),
            "DnsOptions": .list(record.resolver.options.map { .string($0) }),
            "RestartPolicy": .object([
                "Name": .string(String(restart[0])),
                "MaximumRetryCount": .integer(restart.count > 1 ? Int64(restart[1]) ?? 0 : 0),
            ]),
            "AutoRemove": .boolean(record.isRemovedAfterwards),
            "ExtraHosts": ContainerInspection.list(record.process.hosts.map { "\($0.name):\($0.address)" }),
            "GroupAdd": ContainerInspection.list(record.addedGroups),
            "ReadonlyRootfs": .boolean(record.isRootReadOnly),
        ]
        if !memory.isEmpty { result["Tmpfs"] = .object(memory) }
        if !record.kernelParameters.isEmpty {
            result["Sysctls"] = .object(record.kernelParameters.mapValues { .string($0) })
        }
        return result
    }

    private var privileges: [String: JSONValue] {
        let given = record.process.privileges
        var isUnconfined = false
        if case .unconfined = given.systemCalls { isUnconfined = true }
        let isPrivileged = given.capabilities == .all && isUnconfined && !given.masksSystemPaths
        let usual = CapabilitySet.dockerDefault
        var options: [String] = []
        if given.forbidsNewPrivileges { options.append("no-new-privileges") }
        if isUnconfined, !isPrivileged { options.append("seccomp=unconfined") }
        // Docker does without labels where processes see others than their own.
        if isPrivileged || !record.machine.namespaces.isDisjoint(with: [.ipc, .processes]) {
            options.append("label=disable")
        }
        let dropsAll = given.capabilities.isDisjoint(with: usual)
        let added = isPrivileged ? [] : given.capabilities.subtracting(usual)
        return [
            "Privileged": .boolean(isPrivileged),
            "CapAdd": ContainerInspection.list(given.capabilities == .all && !isPrivileged ? ["ALL"] : added.names),
            "CapDrop": ContainerInspection.list(dropsAll ? ["ALL"] : usual.subtracting(given.capabilities).names),
            "SecurityOpt": ContainerInspection.list(options),
            "MaskedPaths": given.masksSystemPaths ? .strings(ProtectedPaths.masked) : .null,
            "ReadonlyPaths": given.masksSystemPaths ? .strings(ProtectedPaths.readOnly) : .null,
        ]
    }

    private var limits: [String: JSONValue] {
        let limits = record.limits
        let ulimits = record.process.limits.map { limit -> JSONValue in
            // Docker's -1 for no limit.
            .object([
                "Name": .string(limit.resource.rawValue),
                "Soft": .integer(Int64(exactly: limit.soft) ?? -1), "Hard": .integer(Int64(exactly: limit.hard) ?? -1),
            ])
        }
        return [
            "Memory": .integer(limits.memory ?? 0),
            // As much again, unless something else was asked for.
            "MemorySwap": .integer(limits.memoryAndSwap ?? (limits.memory ?? 0).multipliedReportingOverflow(by: 2).0),
            "NanoCpus": .integer(limits.nanoCPUs ?? 0),
            "CpusetCpus": .string(limits.processors ?? ""),
            "CpusetMems": .string(limits.memoryNodes ?? ""),
            "CpuShares": .integer(limits.processorShares ?? 0),
            "CpuPeriod": .integer(limits.processorPeriod ?? 0),
            "CpuQuota": .integer(limits.processorQuota ?? 0),
            "MemoryReservation": .integer(limits.memoryReservation ?? 0),
            "PidsLimit": limits.processes.map { .integer($0) } ?? .null,
            "ShmSize": .integer(Int64(clamping: record.process.sharedMemorySize ?? 64 << 20)),
            "Ulimits": .list(ulimits),
        ]
    }

    private var machine: [String: JSONValue] {
        let machine = record.machine
        func mode(_ space: SharedNamespace, _ other: ContainerID? = nil, otherwise own: JSONValue = "") -> JSONValue {
            machine.namespaces.contains(space) ? "host" : other.map { .string("container:\($0)") } ?? own
        }
        let devices = machine.devices.filter { $0 != .all }.map { device -> JSONValue in
            .object([
                "PathOnHost": .string(device.path), "PathInContainer": .string(device.target),
                "CgroupPermissions": .string("\(device.access)"),
            ])
        }
        var result: [String: JSONValue] = [
            "Devices": .list(devices),
            "DeviceCgroupRules": ContainerInspection.list(machine.deviceRules.map(\.description)),
            "OomScoreAdj": .integer(Int64(machine.memoryScore ?? 0)),
            "PidMode": mode(.processes, machine.processesOf), "UTSMode": mode(.names),
            "IpcMode": mode(.ipc, machine.ipcOf, otherwise: "private"),
        ]
        if record.usesInit { result["Init"] = .boolean(true) }
        if !record.annotations.isEmpty { result["Annotations"] = .object(record.annotations.mapValues { .string($0) }) }
        return result
    }

    /// What no option here sets, with the values that Docker has then.
    private static let unused: [String: JSONValue] = {
        var result: [String: JSONValue] = [
            "CgroupnsMode": "host", "Runtime": "swiftbuild",
            "ConsoleSize": .list([.integer(0), .integer(0)]),
        ]
        func set(_ value: JSONValue, _ names: String) {
            for name in names.split(separator: " ") { result[String(name)] = value }
        }
        set(
            "",
            "ContainerIDFile VolumeDriver Cgroup UsernsMode Isolation CgroupParent"
        )
        set(
            .integer(0),
            """
            BlkioWeight CpuRealtimePeriod CpuRealtimeRuntime CpuCount CpuPercent IOMaximumIOps IOMaximumBandwidth
            """
        )
        set(.null, "VolumesFrom Links DeviceRequests MemorySwappiness")
        set(
            .list([]),
            """
            BlkioWeightDevice BlkioDeviceReadBps BlkioDeviceWriteBps BlkioDeviceReadIOps \
            BlkioDeviceWriteIOps
            """
        )
        set(.boolean(false), "OomKillDisable")
        return result
    }()
}
