internal import Foundation
internal import Glibc
internal import SystemPackage

/// What this machine has and allows.
enum Machine {
    static let isRoot = geteuid() == 0

    /// The directory that holds `Package.swift`.
    static let repository = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        .removingLastComponent()

    /// The binary that was built together with these tests: it lies beside the test bundle.
    static let binary: FilePath = {
        if let path = ProcessInfo.processInfo.environment["SWIFTBUILD_BINARY"] { return FilePath(path) }
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let beside = FilePath(executable).removingLastComponent().appending("swiftbuild")
        return fileExists(beside) ? beside : repository.appending(".build/debug/swiftbuild")
    }()

    /// Where fixtures are.
    static let scratch = FilePath(NSTemporaryDirectory())

    /// The same in memory, if files keep their attributes there, which they do since Linux 6.6: making and removing many
    /// small trees is what disks are slow at.
    static let memory: FilePath = {
        let keepsAttributes = OperatingSystemVersion(majorVersion: 6, minorVersion: 6, patchVersion: 0)
        let isUsable =
            ProcessInfo.processInfo.isOperatingSystemAtLeast(keepsAttributes) && access("/dev/shm", W_OK) == 0
        return isUsable ? "/dev/shm" : scratch
    }()

    /// Where tools are looked for; daemons are often in a directory that an ordinary user's `PATH` lacks.
    static let searchPath =
        (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin"

    static func has(_ tool: String) -> Bool {
        searchPath.split(separator: ":").contains { access("\($0)/\(tool)", X_OK) == 0 }
    }

    /// Whether `RUN` steps and containers can be tested here.
    static let canRun = isRoot && has("busybox")
    static let needsRoot = "needs root and busybox-static: containers are started"

    /// Whether this process may mount file systems, which root in a container often may not.
    static let canMount: Bool = {
        let status = String(decoding: (try? readFile("/proc/self/status")) ?? [], as: UTF8.self)
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        let capabilities = line.flatMap { UInt64($0.dropFirst("CapEff:".count).drop(while: \.isWhitespace), radix: 16) }
        // CAP_SYS_ADMIN of linux/capability.h.
        return (capabilities ?? 0) & (1 << 21) != 0
    }()

    /// Whether layers are mounted in place: EROFS is there, and Linux 6.15.
    static let mountsLayers =
        canRun && canMount
        && ProcessInfo.processInfo.isOperatingSystemAtLeast(.init(majorVersion: 6, minorVersion: 15, patchVersion: 0))
        && String(decoding: (try? readFile("/proc/filesystems")) ?? [], as: UTF8.self).contains("\terofs\n")

    /// Whether containers can have networks of their own.
    static var canMakeNetworks: Bool {
        get async throws {
            let doctor = try await run([binary.string, "doctor", "--root", "/nonexistent"], in: scratch)
            return canRun && doctor.outputText.contains("containers have networks of their own")
        }
    }
    static let needsMounts = "needs the capability CAP_SYS_ADMIN: mounts a small file system"

    /// Mounts at or below a directory.
    static func mounts(below directory: FilePath) throws -> [String] {
        try String(decoding: readFile("/proc/self/mountinfo"), as: UTF8.self).split(separator: "\n")
            .map { $0.split(separator: " ")[4] }
            .filter { $0.hasPrefix(directory.string) }
            .map(String.init)
    }

    /// Processes that have a variable in their environment.
    static func processes(withEnvironment entry: String) -> [String] {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.filter { name in
            guard Int(name) != nil, let environment = try? readFile(FilePath("/proc/\(name)/environ")) else {
                return false
            }
            return environment.split(separator: 0).contains { $0.elementsEqual(entry.utf8) }
        }
    }

    /// Runs a tool with nothing of this process's environment but the search path.
    static func run(_ arguments: [String], environment: [String: String] = [:], in directory: FilePath) async throws
        -> CommandResult
    {
        let basic = ["PATH": searchPath, "HOME": directory.string, "LC_ALL": "C.UTF-8"]
        let environment = basic.merging(environment) { $1 }
        return try await RunningCommand(arguments, environment: environment, directory: directory, logs: directory)
            .wait()
    }
}
