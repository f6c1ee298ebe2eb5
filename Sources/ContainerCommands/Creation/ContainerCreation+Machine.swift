import ContainerRuntime
import Containers
import Formatting
import OCI
import Reporting
import Sandbox

/// Limits, and what a container has of the machine itself.
extension ContainerCreation {
    /// The further groups of the process, by number.
    func groups(_ users: UserDatabase) throws -> [UInt32] {
        try flags.general.groups.map { text in
            guard let group = users.groupID(text) else { throw ContainerError.unknownUser(text) }
            return group
        }
    }

    /// Docker's smallest: less does not suffice to start a process.
    private static let leastMemory: Int64 = 6 << 20

    func limits() throws -> ContainerLimits {
        var limits = ContainerLimits()
        let flags = flags.limits
        limits.memory = try flags.memory.map { try size("--memory", $0) }.flatMap { $0 > 0 ? $0 : nil }
        limits.memoryAndSwap = try flags.memoryAndSwap.map { $0 == "-1" ? -1 : try size("--memory-swap", $0) }
            .flatMap { $0 == 0 ? nil : $0 }
        limits.memoryReservation = try flags.memoryReservation.map { try size("--memory-reservation", $0) }
            .flatMap { $0 > 0 ? $0 : nil }
        limits.processors = flags.processorSet.flatMap { $0.isEmpty ? nil : $0 }
        limits.memoryNodes = flags.memoryNodes.flatMap { $0.isEmpty ? nil : $0 }
        limits.processorShares = flags.processorShares.flatMap { $0 > 0 ? $0 : nil }
        limits.processorPeriod = flags.processorPeriod.flatMap { $0 > 0 ? $0 : nil }
        limits.processorQuota = flags.processorQuota.flatMap { $0 > 0 ? $0 : nil }
        limits.processes = flags.processes.flatMap { $0 > 0 ? $0 : nil }
        if let number = flags.processors, number != 0 {
            guard number > 0, number < 100_000 else { throw wrong("--cpus: invalid number `\(number)`") }
            guard limits.processorPeriod == nil, limits.processorQuota == nil else {
                throw wrong("--cpus and --cpu-period or --cpu-quota exclude each other")
            }
            limits.nanoCPUs = Int64(number * 1e9)
        }
        try check(limits)
        return limits
    }

    private func check(_ limits: ContainerLimits) throws {
        if let memory = limits.memory, memory < Self.leastMemory { throw wrong("--memory: the least is 6m") }
        if let both = limits.memoryAndSwap {
            guard let memory = limits.memory else { throw wrong("--memory-swap needs --memory") }
            guard both < 0 || both >= memory else { throw wrong("--memory-swap: less than --memory") }
        }
        if let reservation = limits.memoryReservation, let memory = limits.memory, reservation > memory {
            throw wrong("--memory-reservation: more than --memory")
        }
        for (option, list) in [("--cpuset-cpus", limits.processors), ("--cpuset-mems", limits.memoryNodes)] {
            guard let list, !list.allSatisfy({ $0.isNumber || $0 == "-" || $0 == "," }) else { continue }
            throw wrong("\(option): invalid list `\(list)`: expected, for example, 0-2,7")
        }
    }

    private func wrong(_ message: String) -> UserError { UserError(message, status: .usage) }

    func addMachine(_ record: inout ContainerRecord) throws {
        let flags = flags.machine
        record.usesInit = flags.usesInit
        record.domainName = flags.domainName
        for text in flags.annotations {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard !parts[0].isEmpty else { throw wrong("--annotation: `\(text)` has no name") }
            record.annotations[parts[0]] = parts.count == 2 ? parts[1] : ""
        }
        record.machine.devices =
            (self.flags.privileges.isPrivileged ? [.all] : [])
            + (try flags.devices.map(MachineAccess.Device.init(parsing:)))
        record.machine.deviceRules = try flags.deviceRules.map(MachineAccess.DeviceRule.init(parsing:))
        if let score = flags.memoryScore {
            guard (-1000...1000).contains(score) else {
                throw wrong("--oom-score-adj: invalid number `\(score)`: expected -1000 to 1000")
            }
            record.machine.memoryScore = score
        }
        try addNamespaces(&record)
    }

    private func addNamespaces(_ record: inout ContainerRecord) throws {
        let flags = flags.machine
        for (option, value, space, own) in [
            ("--pid", flags.processes, SharedNamespace.processes, [""]),
            ("--ipc", flags.ipc, .ipc, ["", "private", "shareable"]), ("--uts", flags.names, .names, [""]),
        ] {
            guard let value, !own.contains(value) else { continue }
            if space != .names, value.hasPrefix("container:") {
                let other = try ContainerStore(store).find(String(value.dropFirst("container:".count))).id
                if space == .processes { record.machine.processesOf = other } else { record.machine.ipcOf = other }
                continue
            }
            guard value == "host" else {
                let others = space == .names ? ["host"] : ["host", "container:NAME"]
                let known = (own.filter { !$0.isEmpty } + others).joined(separator: ", ")
                throw wrong("\(option): `\(value)` is not supported: expected \(known)")
            }
            record.machine.namespaces.insert(space)
        }
        if record.machine.processesOf != nil, record.usesInit {
            throw wrong("--init and --pid container exclude each other: process 1 is the other container's")
        }
        if let value = flags.users, !["", "host"].contains(value) {
            throw wrong(
                "--userns: `\(value)` is not supported; the users of a container are always those of the builder"
            )
        }
        if record.machine.namespaces.contains(.names), self.flags.general.hostname != nil || flags.domainName != nil {
            throw wrong("--uts host and --hostname or --domainname exclude each other")
        }
        for name in record.kernelParameters.keys.sorted() {
            let path = name.split { $0 == "." || $0 == "/" }
            let owner: String? =
                switch (path.first, path.last) {
                case ("net", _): record.network == .host ? "--network host" : nil
                case (_, "domainname"): record.machine.namespaces.contains(.names) ? "--uts host" : nil
                default: record.machine.namespaces.contains(.ipc) ? "--ipc host" : nil
                }
            // It would change the machine's.
            if let owner { throw wrong("--sysctl: `\(name)` is the machine's own parameter with \(owner)") }
        }
    }
}
