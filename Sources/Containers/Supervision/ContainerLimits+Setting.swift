internal import SystemPackage

extension ContainerLimits {
    /// A limit in the kernel's terms.
    struct Setting {
        let option: String
        let controller: String
        /// Of version 2: its name and what is written to it.
        let file: (name: String, value: String)
        /// Of version 1.
        let old: [(name: String, value: String)]
        /// Whether nobody has asked for it, so that it may be left out.
        var isDefault = false

        /// Where the kernel does not take the value.
        func refused(_ error: Errno) -> ContainerStoreError {
            switch error {
            case .invalidArgument, .outOfRange:
                .unsupported("\(option): the kernel does not take the value \(file.value) (`\(controller)`)")
            default: missing
            }
        }

        /// Where there is no such control group.
        var missing: ContainerStoreError {
            .unsupported(
                "\(option) needs the control group `\(controller)`, which this machine does not let the builder use"
            )
        }
    }

    var settings: [Setting] {
        memorySettings + processorSettings
            + [
                processes.map { count in
                    let file = ("pids.max", String(count))
                    return Setting(option: "--pids-limit", controller: "pids", file: file, old: [file])
                }
            ].compactMap { $0 }
    }

    private var memorySettings: [Setting] {
        var result: [Setting] = []
        func add(_ option: String, _ file: (String, String), _ old: (String, String), isDefault: Bool = false) {
            result.append(
                Setting(option: option, controller: "memory", file: file, old: [old], isDefault: isDefault)
            )
        }
        if let memory {
            let text = String(memory)
            add("--memory", ("memory.max", text), ("memory.limit_in_bytes", text))
            // As much again of swap, as Docker has it, where the kernel counts that.
            let both = memoryAndSwap ?? memory.addingReportingOverflow(memory).partialValue
            let swap = both < 0 ? "max" : String(max(0, both - memory))
            let (file, old) = (("memory.swap.max", swap), ("memory.memsw.limit_in_bytes", String(both)))
            add("--memory-swap", file, old, isDefault: memoryAndSwap == nil)
        }
        if let memoryReservation {
            let text = String(memoryReservation)
            add("--memory-reservation", ("memory.low", text), ("memory.soft_limit_in_bytes", text))
        }
        return result
    }

    private var processorSettings: [Setting] {
        var result: [Setting] = []
        if nanoCPUs != nil || processorQuota != nil || processorPeriod != nil {
            let period = String(processorPeriod ?? 100_000)
            let quota = nanoCPUs.map { max(1000, $0 / 10_000) } ?? processorQuota ?? -1
            let file = ("cpu.max", "\(quota < 0 ? "max" : String(quota)) \(period)")
            let old = [("cpu.cfs_period_us", period), ("cpu.cfs_quota_us", String(quota))]
            result.append(
                Setting(option: nanoCPUs == nil ? "--cpu-quota" : "--cpus", controller: "cpu", file: file, old: old)
            )
        }
        if let processorShares {
            // 2 to 262144 become 1 to 10000, as with other runtimes.
            let weight = 1 + (min(max(processorShares, 2), 262_144) - 2) * 9999 / 262_142
            let file = ("cpu.weight", String(weight))
            let old = [("cpu.shares", String(processorShares))]
            result.append(Setting(option: "--cpu-shares", controller: "cpu", file: file, old: old))
        }
        for (option, name, value) in [
            ("--cpuset-cpus", "cpuset.cpus", processors), ("--cpuset-mems", "cpuset.mems", memoryNodes),
        ] {
            guard let value else { continue }
            let file = (name, value)
            result.append(Setting(option: option, controller: "cpuset", file: file, old: [file]))
        }
        return result
    }
}
