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
    /// Whether the group of version 2 keeps devices out, so that the filesystems need not.
    let decidesAboutDevices: Bool
    /// Whether some group knows what may be done with each device.
    var limitsDevices: Bool { decidesAboutDevices || old["devices"] != nil }

    /// Where the container's processes begin; good as long as this value lives.
    func join(_ surroundings: inout ContainerSurroundings) {
        surroundings.controlGroup = directory?.descriptor
        surroundings.controlGroups = processFiles.map(\.descriptor)
    }

    /// What counts for `stats` without a limit.
    private static let counting: Set = ["memory", "pids", "io"]

    /// Makes the groups.
    ///
    /// - Parameter devices: What works beside the devices that no program can do without; `nil` for everything.
    /// - Returns: `nil` where there are none and no limits were asked for.
    /// - Throws: `ContainerStoreError.unsupported` for a limit that this machine cannot keep; `removeLeftOver` then removes
    ///   what was made.
    convenience init?(_ id: ContainerID, _ limits: ContainerLimits, devices: [sb_device_rule]?) throws {
        let hierarchies = Hierarchies()
        let settings = limits.settings
        var unified: FilePath?
        if let root = hierarchies.unified {
            let parent = root.appending("swiftbuild")
            let group = parent.appending(id.description)
            for directory in [root, parent] {
                _ = mkdir(parent.string, 0o755)
                // One by one: a controller that is not there must not keep the others out.
                for name in ControlGroup.counting.union(settings.map(\.controller))
                where hierarchies.controllers.contains(name) {
                    ControlGroup.write("+\(name)", to: directory.appending("cgroup.subtree_control"))
                }
            }
            if mkdir(group.string, 0o755) == 0 || Errno.current == .fileExists { unified = group }
        }
        var old: [String: FilePath] = [:]
        for setting in settings {
            if let unified, hierarchies.controllers.contains(setting.controller) {
                try ControlGroup.apply(setting, [setting.file], in: unified)
            } else if let root = hierarchies.old[setting.controller] {
                let group = root.appending("swiftbuild").appending(id.description)
                if old[setting.controller] == nil { try ControlGroup.makeOld(group, setting) }
                old[setting.controller] = group
                try ControlGroup.apply(setting, setting.old, in: group)
            } else if !setting.isDefault {
                throw setting.missing
            }
        }
        if unified == nil, let devices, !devices.isEmpty, let root = hierarchies.old["devices"] {
            let group = root.appending("swiftbuild").appending(id.description)
            try ControlGroup.limitOldDevices(group, devices)
            old["devices"] = group
        }
        if unified == nil, let group = hierarchies.old["freezer"]?.appending("swiftbuild") {
            _ = mkdir(group.string, 0o755)
            if mkdir(group.appending(id.description).string, 0o755) == 0 || Errno.current == .fileExists {
                old["freezer"] = group.appending(id.description)
            }
        }
        try self.init(unified: unified, old: old, devices: devices)
    }

    /// The groups of a container that runs, for a further process of it.
    convenience init?(joining id: ContainerID) throws {
        let groups = ControlGroup.groups(of: id)
        try self.init(unified: groups.unified, old: groups.old, devices: nil)
    }

    /// The groups that there are of a container: that of version 2, and those of version 1 by controller.
    static func groups(of id: ContainerID) -> (unified: FilePath?, old: [String: FilePath]) {
        let hierarchies = Hierarchies()
        func group(_ root: FilePath) -> FilePath? {
            let path = root.appending("swiftbuild").appending(id.description)
            return FileStatus.ifPresent(path) == nil ? nil : path
        }
        return (hierarchies.unified.flatMap(group), hierarchies.old.compactMapValues(group))
    }

    /// The processes of a group and of those below it; `nil` where there are none.
    static func processes(of group: FilePath) -> [Int32]? {
        let bytes = (try? FileOperations.read(group.appending("cgroup.procs"), limit: 1 << 24)) ?? []
        var result = String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { Int32($0) }
        for name in (try? FileOperations.names(in: group)) ?? [] {
            let path = group.appending(bytes: name)
            if FileStatus.ifPresent(path)?.kind == .directory { result += processes(of: path) ?? [] }
        }
        return result.isEmpty ? nil : result
    }

    /// - Parameter devices: `nil` where that was decided before.
    private init?(unified: FilePath?, old: [String: FilePath], devices: [sb_device_rule]?) throws {
        guard unified != nil || !old.isEmpty else { return nil }
        self.unified = unified
        self.old = old
        var joined = Set(old.values)
        var directory = try unified.map { try OpenFile($0) }
        // Without a limit the filesystems of the container must keep devices out, as they do outside of such a group.
        if let devices, let group = directory,
            sb_limit_devices(group.descriptor, devices, devices.count) != 0
        {
            if let unified { joined.insert(unified) }
            directory = nil
        }
        self.directory = directory
        decidesAboutDevices = directory != nil
        processFiles = try joined.map {
            OpenFile(try OwnedDescriptor($0.appending("cgroup.procs"), O_WRONLY))
        }
    }

    private static func apply(
        _ setting: ContainerLimits.Setting,
        _ files: [(name: String, value: String)],
        in group: FilePath
    ) throws {
        for (name, value) in files where !write(value, to: group.appending(name)) {
            let error = Errno.current
            if !setting.isDefault { throw setting.refused(error) }
        }
    }

    private static func makeOld(_ group: FilePath, _ setting: ContainerLimits.Setting) throws {
        for path in [group.removingLastComponent(), group] {
            guard mkdir(path.string, 0o755) == 0 || Errno.current == .fileExists else { throw setting.missing }
            guard setting.controller == "cpuset" else { continue }
            // A new group has none, and takes no process then.
            for file in ["cpuset.cpus", "cpuset.mems"] {
                let above = try FileOperations.read(path.removingLastComponent().appending(file), limit: 4096)
                write(String(decoding: above, as: UTF8.self), to: path.appending(file))
            }
        }
    }

    /// The same rules in version 1, where that is the only one.
    private static func limitOldDevices(_ group: FilePath, _ devices: [sb_device_rule]) throws {
        for path in [group.removingLastComponent(), group] { _ = mkdir(path.string, 0o755) }
        let usual =
            ["c *:* m", "b *:* m", "c 136:* rwm"]
            + ["1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:2"].map { "c \($0) rwm" }
        guard write("a", to: group.appending("devices.deny")),
            (usual + devices.map(\.text)).allSatisfy({ write($0, to: group.appending("devices.allow")) })
        else {
            throw ContainerStoreError.unsupported("the control group `devices` could not be set")
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
        if let unified { return ControlGroup.write(isFrozen ? "1" : "0", to: unified.appending("cgroup.freeze")) }
        guard let group = old["freezer"] else { return false }
        return ControlGroup.write(isFrozen ? "FROZEN" : "THAWED", to: group.appending("freezer.state"))
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

    /// Kills every process in the groups.
    func kill() { ControlGroup.kill([unified].compactMap { $0 } + old.values) }

    private static func kill(_ groups: [FilePath]) {
        for group in groups where !write("1", to: group.appending("cgroup.kill")) {
            let bytes = (try? FileOperations.read(group.appending("cgroup.procs"), limit: 1 << 20)) ?? []
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
                if let process = Int32(line), process > 0 { Glibc.kill(process, SIGKILL) }
            }
            // Only version 2 lets frozen processes end.
            write("THAWED", to: group.appending("freezer.state"))
        }
    }

    /// Removes the groups, whose processes have ended.
    func remove() { ControlGroup.remove([unified].compactMap { $0 } + old.values) }

    /// Removes the groups that a killed supervisor has left.
    static func removeLeftOver(of id: ContainerID) {
        let hierarchies = Hierarchies()
        let roots = Set([hierarchies.unified].compactMap { $0 } + hierarchies.old.values)
        let groups = roots.map { $0.appending("swiftbuild").appending(id.description) }
            .filter { FileStatus.ifPresent($0) != nil }
        kill(groups)
        remove(groups)
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
