internal import CSandbox
internal import ContainerNetworks
internal import ContainerRuntime
internal import FileSystem
internal import Glibc
internal import SystemPackage

/// The control groups of one container: what it may use, how it is paused, and what it has used.
///
/// They are below `swiftbuild` at the root of each hierarchy, as Docker's are below `docker`. Version 2 is preferred;
/// controllers that are still in hierarchies of version 1 are used there, which costs time at the start, so only for limits.
final class ControlGroup: Sendable {
    /// The group of version 2; `nil` where there is none.
    private let unified: FilePath?
    /// Groups of version 1, by controller.
    private let old: [String: FilePath]
    private let directory: OpenFile?
    private let processFiles: [OpenFile]

    /// Where the container's processes begin; good as long as this value lives.
    func join(_ surroundings: inout ContainerSurroundings) {
        surroundings.controlGroup = directory?.descriptor
        surroundings.controlGroups = processFiles.map(\.descriptor)
    }

    /// Makes the groups.
    ///
    /// - Parameter limitsDevices: Whether only the devices work that no program can do without.
    /// - Returns: `nil` where there are none and no limits were asked for.
    /// - Throws: `ContainerStoreError.unsupported` for a limit that this machine cannot keep; `removeLeftOver` then removes
    ///   what was made.
    convenience init?(_ id: ContainerID, _ limits: ContainerLimits, limitsDevices: Bool) throws {
        let hierarchies = Hierarchies()
        let settings = limits.settings
        var unified: FilePath?
        if let root = hierarchies.unified {
            let parent = root.appending("swiftbuild")
            let group = parent.appending(id.description)
            for directory in [root, parent] {
                _ = mkdir(parent.string, 0o755)
                // One by one: a controller that is not there must not keep the others out.
                for name in Set(settings.map(\.controller)) where hierarchies.controllers.contains(name) {
                    ControlGroup.write("+\(name)", to: directory.appending("cgroup.subtree_control"))
                }
            }
            if mkdir(group.string, 0o755) == 0 || Errno.current == .fileExists { unified = group }
        }
        var old: [String: FilePath] = [:]
        for setting in settings {
            if let unified, hierarchies.controllers.contains(setting.controller) {
                guard ControlGroup.write(setting.value, to: unified.appending(setting.file)) else {
                    throw setting.refused
                }
            } else if let root = hierarchies.old[setting.controller] {
                let group = root.appending("swiftbuild").appending(id.description)
                if old[setting.controller] == nil { try ControlGroup.makeOld(group, setting) }
                old[setting.controller] = group
                for (file, value) in setting.old where !ControlGroup.write(value, to: group.appending(file)) {
                    throw setting.refused
                }
            } else {
                throw setting.refused
            }
        }
        try self.init(unified: unified, old: old, limitsDevices: limitsDevices)
    }

    /// The groups of a container that runs, for a further process of it.
    convenience init?(joining id: ContainerID) throws {
        let hierarchies = Hierarchies()
        func group(_ root: FilePath) -> FilePath? {
            let path = root.appending("swiftbuild").appending(id.description)
            return FileStatus.ifPresent(path) == nil ? nil : path
        }
        let old = hierarchies.old.compactMapValues(group)
        try self.init(unified: hierarchies.unified.flatMap(group), old: old, limitsDevices: nil)
    }

    /// - Parameter limitsDevices: `nil` where that was decided before.
    private init?(unified: FilePath?, old: [String: FilePath], limitsDevices: Bool?) throws {
        guard unified != nil || !old.isEmpty else { return nil }
        self.unified = unified
        self.old = old
        var joined = Set(old.values)
        var directory = try unified.map { try OpenFile($0) }
        // Without a limit the filesystems of the container must keep devices out, as they do outside of such a group.
        if limitsDevices == true, let group = directory, sb_limit_devices(group.descriptor) != 0 {
            if let unified { joined.insert(unified) }
            directory = nil
        }
        self.directory = directory
        processFiles = try joined.map {
            OpenFile(try OwnedDescriptor($0.appending("cgroup.procs"), O_WRONLY))
        }
    }

    private static func makeOld(_ group: FilePath, _ setting: ContainerLimits.Setting) throws {
        for path in [group.removingLastComponent(), group] {
            guard mkdir(path.string, 0o755) == 0 || Errno.current == .fileExists else { throw setting.refused }
            guard setting.controller == "cpuset" else { continue }
            // A new group has none, and takes no process then.
            for file in ["cpuset.cpus", "cpuset.mems"] {
                let above = try FileOperations.read(path.removingLastComponent().appending(file), limit: 4096)
                write(String(decoding: above, as: UTF8.self), to: path.appending(file))
            }
        }
    }

    @discardableResult
    private static func write(_ text: String, to path: FilePath) -> Bool {
        guard let file = try? FileOperations.open(path, O_WRONLY) else { return false }
        defer { close(file) }
        return Glibc.write(file, text, text.utf8.count) == text.utf8.count
    }

    /// Stops all processes or lets them go on.
    ///
    /// - Returns: Whether the kernel did.
    func setFrozen(_ isFrozen: Bool) -> Bool {
        guard let unified else { return false }
        return ControlGroup.write(isFrozen ? "1" : "0", to: unified.appending("cgroup.freeze"))
    }

    /// Whether the kernel has killed a process since the memory was used up.
    var wasOutOfMemory: Bool {
        let files = [unified?.appending("memory.events"), old["memory"]?.appending("memory.oom_control")]
        return files.compactMap { $0 }.contains { path in
            guard let bytes = try? FileOperations.read(path, limit: 4096) else { return false }
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n").contains { line in
                let words = line.split(separator: " ")
                return words.count == 2 && words[0] == "oom_kill" && words[1] != "0"
            }
        }
    }

    /// Removes the groups, whose processes have ended.
    func remove() { ControlGroup.remove([unified].compactMap { $0 } + old.values) }

    /// Removes the groups that a killed supervisor has left.
    static func removeLeftOver(of id: ContainerID) {
        let hierarchies = Hierarchies()
        let roots = Set([hierarchies.unified].compactMap { $0 } + hierarchies.old.values)
        remove(roots.map { $0.appending("swiftbuild").appending(id.description) })
    }

    private static func remove(_ groups: [FilePath]) {
        for group in groups {
            // Killed processes may take a moment to end.
            for _ in 0..<200 {
                guard rmdir(group.string) != 0, Errno.current == .resourceBusy else { break }
                usleep(2000)
            }
        }
    }
}

/// Where control groups are mounted.
private struct Hierarchies {
    /// The root of version 2.
    var unified: FilePath?
    /// The controllers of version 2.
    var controllers: Set<String> = []
    /// The roots of version 1, by controller.
    var old: [String: FilePath] = [:]

    init() {
        guard let bytes = try? FileOperations.read("/proc/self/mounts", limit: 4 << 20) else { return }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ").map(String.init)
            guard fields.count > 3 else { continue }
            if fields[2] == "cgroup2", unified == nil { unified = FilePath(fields[1]) }
            if fields[2] == "cgroup" {
                for option in fields[3].split(separator: ",") { old[String(option)] = FilePath(fields[1]) }
            }
        }
        if let unified, let bytes = try? FileOperations.read(unified.appending("cgroup.controllers"), limit: 4096) {
            controllers = Set(String(decoding: bytes, as: UTF8.self).split { $0.isWhitespace }.map(String.init))
        }
    }
}

extension ContainerLimits {
    /// A limit in the kernel's terms.
    struct Setting {
        let option: String
        let controller: String
        /// Version 2.
        let file: String
        let value: String
        /// Version 1.
        let old: [(file: String, value: String)]

        var refused: ContainerStoreError {
            .unsupported(
                "\(option) needs the control group `\(controller)`, which this machine does not let the builder use"
            )
        }
    }

    var settings: [Setting] {
        var result: [Setting] = []
        func add(_ option: String, _ controller: String, _ file: String, _ value: String, _ old: [(String, String)]) {
            result.append(Setting(option: option, controller: controller, file: file, value: value, old: old))
        }
        if let memory {
            let text = String(memory)
            add("--memory", "memory", "memory.max", text, [("memory.limit_in_bytes", text)])
        }
        if let memory, let memoryAndSwap {
            add(
                "--memory-swap",
                "memory",
                "memory.swap.max",
                memoryAndSwap < 0 ? "max" : String(max(0, memoryAndSwap - memory)),
                [("memory.memsw.limit_in_bytes", String(memoryAndSwap))]
            )
        }
        if let nanoCPUs {
            let quota = String(max(1000, nanoCPUs / 10_000))
            add(
                "--cpus",
                "cpu",
                "cpu.max",
                "\(quota) 100000",
                [("cpu.cfs_period_us", "100000"), ("cpu.cfs_quota_us", quota)]
            )
        }
        if let processors { add("--cpuset-cpus", "cpuset", "cpuset.cpus", processors, [("cpuset.cpus", processors)]) }
        if let processes {
            add("--pids-limit", "pids", "pids.max", String(processes), [("pids.max", String(processes))])
        }
        return result
    }
}
