internal import FileSystem
internal import Glibc
internal import SystemPackage

/// Starting this program again as the supervisor of a container.
enum SupervisorProcess {
    /// The variables that a supervisor keeps: those by which programs of the system are found and find their files, and
    /// the choice of `IsolationChoice`.
    private static let variables = [
        "PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR", "LANG", "SWIFTBUILD_ISOLATION", "SWIFTBUILD_LAYERS",
    ]

    /// Starts it in a session of its own, so that no terminal and no shell ends it.
    ///
    /// - Parameters:
    ///   - arguments: Without the name of the program.
    ///   - connection: What it has as descriptor 3.
    ///   - log: What it writes to standard error goes there, which is nothing unless it crashes.
    static func spawn(_ arguments: [String], connection: Int32, log: FilePath) throws(SystemError) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, log.string, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, connection, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        // POSIX_SPAWN_SETSID is 0x80.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | 0x80))
        let environment = variables.compactMap { name in getenv(name).map { "\(name)=\(String(cString: $0))" } }
        var process: pid_t = 0
        let result = withStrings(["swiftbuild"] + arguments) { arguments in
            withStrings(environment) { environment in
                posix_spawn(&process, "/proc/self/exe", &actions, &attributes, arguments, environment)
            }
        }
        guard result == 0 else {
            throw SystemError("execute", "/proc/self/exe", errno: Errno(rawValue: result))
        }
    }

    private static func withStrings<Result>(
        _ texts: [String],
        _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }
}
