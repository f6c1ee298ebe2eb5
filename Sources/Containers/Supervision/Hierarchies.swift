internal import FileSystem
internal import SystemPackage

/// Where control groups are mounted.
struct Hierarchies {
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
