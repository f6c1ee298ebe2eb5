internal import FileSystem
internal import Glibc
internal import SystemPackage
internal import Threads

/// What a running container uses of the machine, by its control groups; what these do not count is summed over its
/// processes.
public struct ResourceUsage: Sendable {
    /// When this was, in nanoseconds of a monotonic clock.
    public let time: Int64
    /// Nanoseconds that its processes have had a processor for, those that have ended among them.
    public let processorTime: Int64
    /// Bytes; without what the kernel could drop of files at once, as Docker counts.
    public let memory: Int64
    /// Bytes that it may have.
    public let memoryLimit: Int64
    public let processes: Int
    /// Bytes through its network interfaces but the loopback; 0 where it has the machine's.
    public let (received, sent): (Int64, Int64)
    /// Bytes from and to disks.
    public let (read, written): (Int64, Int64)
}

extension Container {
    /// - Throws: `ContainerStoreError.notRunning`.
    public func usage() throws -> ResourceUsage {
        let processes = try processes()
        let groups = ControlGroup.groups(of: id)
        let numbers = GroupNumbers(unified: groups.unified, old: groups.old)
        let ticks = processes.reduce(0) { $0 + $1.processorTicks }
        let machine = MachineMemory.total
        let (received, sent) = record.network == .host ? (0, 0) : networkBytes
        let disks = numbers.disks ?? (processes.reduce(0) { $0 + $1.read }, processes.reduce(0) { $0 + $1.written })
        return ResourceUsage(
            time: Pause.now,
            processorTime: numbers.processorTime ?? Int64(ticks) * (1_000_000_000 / Int64(ProcessStatus.ticks)),
            memory: numbers.memory ?? processes.reduce(0) { $0 + $1.memory },
            memoryLimit: min(record.limits.memory ?? machine, machine),
            processes: numbers.processes ?? processes.count,
            received: received,
            sent: sent,
            read: disks.0,
            written: disks.1
        )
    }

    /// What has come in and gone out through the interfaces of its network namespace.
    private var networkBytes: (Int64, Int64) {
        guard ProcessIdentity.isProcess(of: state),
            let text = try? FileOperations.read(FilePath("/proc/\(state.processID)/net/dev"), limit: 1 << 20)
        else { return (0, 0) }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").reduce((0, 0)) { sum, line in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].drop(while: \.isWhitespace) != "lo" else { return sum }
            let fields = parts[1].split(separator: " ").map { Int64($0) ?? 0 }
            return fields.count > 8 ? (sum.0 + fields[0], sum.1 + fields[8]) : sum
        }
    }
}

/// What the files of a container's control groups count; `nil` where they do not.
private struct GroupNumbers {
    let unified: FilePath?
    let old: [String: FilePath]

    private func text(_ path: FilePath?) -> String? {
        guard let path, let bytes = try? FileOperations.read(path, limit: 1 << 20) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func number(_ path: FilePath?) -> Int64? {
        text(path).flatMap { Int64($0.prefix { !$0.isWhitespace }) }
    }

    /// A value of a file with a name and a number in each line.
    private func value(_ name: String, _ path: FilePath?) -> Int64? {
        let lines: [Substring] = text(path)?.split(separator: "\n") ?? []
        for line in lines where line.hasPrefix(name + " ") {
            return Int64(line.dropFirst(name.utf8.count + 1))
        }
        return nil
    }

    var processorTime: Int64? {
        value("usage_usec", unified?.appending("cpu.stat")).map { $0 * 1000 }
            ?? number(old["cpuacct"]?.appending("cpuacct.usage"))
    }

    var memory: Int64? {
        if let used = number(unified?.appending("memory.current")) {
            return used - min(used, value("inactive_file", unified?.appending("memory.stat")) ?? 0)
        }
        guard let group = old["memory"], let used = number(group.appending("memory.usage_in_bytes")) else { return nil }
        return used - min(used, value("total_inactive_file", group.appending("memory.stat")) ?? 0)
    }

    var processes: Int? {
        (number(unified?.appending("pids.current")) ?? number(old["pids"]?.appending("pids.current"))).map { Int($0) }
    }

    var disks: (Int64, Int64)? {
        guard let text = text(unified?.appending("io.stat")) else { return nil }
        func sum(_ name: String) -> Int64 {
            text.split { $0.isWhitespace }.filter { $0.hasPrefix(name) }
                .reduce(0) { $0 + (Int64($1.dropFirst(name.count)) ?? 0) }
        }
        return (sum("rbytes="), sum("wbytes="))
    }
}

private enum MachineMemory {
    /// Bytes.
    static let total = Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE)))
}
