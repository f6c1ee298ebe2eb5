internal import FileSystem
internal import Glibc
internal import SystemPackage

/// The way from the networks of an ordinary user to everything outside the machine: pasta(1), which makes connections of
/// its own for those of a network namespace.
enum WayOut {
    private static let program = "pasta"

    /// Why there is none, as a sentence; `nil` where there is.
    static var obstacle: String? {
        let path = (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":")
        guard path.contains(where: { access("\($0)/\(program)", X_OK) == 0 }) else {
            return "`\(program)` is not installed (package passt)"
        }
        let device = "/dev/net/tun"
        guard access(device, R_OK | W_OK) == 0 else {
            return "`\(program)` needs `\(device)`: \(SystemError("open", FilePath(device)).errno)"
        }
        return nil
    }

    /// The process that connects namespaces already; `nil` where there is none.
    ///
    /// - Parameter file: The one that it was opened with.
    static func running(_ file: FilePath) -> pid_t? {
        let names = (try? FileOperations.names(in: "/proc")) ?? []
        return names.lazy.compactMap { pid_t(String(decoding: $0, as: UTF8.self)) }.first { id in
            let words = (try? FileOperations.read(FilePath("/proc/\(id)/cmdline"), limit: 1 << 20)) ?? []
            let text = String(decoding: words, as: UTF8.self)
            return text.hasPrefix(program + "\0") && text.contains("\0--pid\0\(file)\0")
        }
    }

    /// Connects the namespaces of a process.
    ///
    /// - Parameter file: A file that does not exist, and does not exist afterwards.
    /// - Returns: The process that does it, in the background; `nil` where there is none.
    static func open(for holder: pid_t, _ file: FilePath) -> pid_t? {
        guard obstacle == nil else { return nil }
        defer { try? FileOperations.remove(file) }
        let none = ["-t", "-u", "-T", "-U"].flatMap { [$0, "none"] }
        let arguments =
            [program, "--config-net", "--quiet", "--ipv4-only", "--no-map-gw"] + none
            // Root of a user namespace is in the one that the network belongs to.
            + (geteuid() == 0 ? ["--netns-only"] : ["--userns", "/proc/\(holder)/ns/user"])
            + ["--pid", file.string, "--netns", "/proc/\(holder)/ns/net"]
        var pointers = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        // Versions of 2023 refuse to start where SIGPIPE is ignored, as it is here.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
        var id: pid_t = 0
        guard posix_spawnp(&id, program, nil, &attributes, &pointers, environ) == 0 else { return nil }
        var status: Int32 = 0
        // It ends when another one goes on in the background.
        guard uninterrupted({ waitpid(id, &status, 0) }) == id, status == 0,
            let text = try? FileOperations.read(file, limit: 100)
        else { return nil }
        return pid_t(String(decoding: text, as: UTF8.self).prefix { !$0.isWhitespace })
    }
}
