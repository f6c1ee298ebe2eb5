internal import FileSystem
internal import Glibc
internal import SystemPackage

/// An ssh agent of our own that has keys from files; it ends with this value, or with this process however that ends.
final class KeyAgent: Sendable {
    let socket: FilePath
    private let directory: TemporaryDirectory
    private let processID: pid_t
    /// The agent waits for the end of its input.
    private let input: AnonymousPipe

    /// Takes keys from standard input, since ssh-add refuses files that others may read.
    private static let script = """
        trap 'kill "$SSH_AGENT_PID"' EXIT
        for key; do ssh-add -q - <"$key" || exit; done
        echo ready
        cat >/dev/null
        """

    /// Starts the system's `ssh-agent` and waits until it has the keys.
    ///
    /// - Throws: `ContainerError.keysRefused` with what `ssh-add` says, also where there is none.
    init(_ keys: [FilePath], in temporary: FilePath) throws {
        directory = try TemporaryDirectory(in: temporary)
        socket = directory.path.appending("keys")
        input = try KeyAgent.pipe()
        let output = try KeyAgent.pipe()
        let arguments = ["ssh-agent", "-a", socket.string, "sh", "-c", KeyAgent.script, "sh"] + keys.map(\.string)
        let started = KeyAgent.spawn(arguments, input: input.reader, output: output.writer)
        output.closeWriter()
        processID = started.processID
        let said = started.error == 0 ? KeyAgent.read(output) : Errno(rawValue: started.error).sentence
        guard said.hasSuffix("ready\n") else {
            throw ContainerError.keysRefused(said.split(separator: "\n").joined(separator: "; "))
        }
    }

    deinit {
        input.closeWriter()
        if processID > 0 { _ = uninterrupted { waitpid(processID, nil, 0) } }
    }

    private static func pipe() throws(SystemError) -> AnonymousPipe {
        do { return try AnonymousPipe() } catch { throw SystemError("make a pipe for", "ssh-agent", errno: error) }
    }

    private static func spawn(_ arguments: [String], input: Int32, output: Int32) -> (processID: pid_t, error: Int32) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (descriptor, place) in [(input, 0), (output, 1), (output, 2)] as [(Int32, Int32)] {
            posix_spawn_file_actions_adddup2(&actions, descriptor, place)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        // A session of its own has no terminal; glibc's header hides POSIX_SPAWN_SETSID from Swift.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | 0x80)
        let environment = ["PATH", "HOME"].compactMap { (name: String) -> String? in
            getenv(name).map { "\(name)=\(String(cString: $0))" }
        }
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var child: pid_t = 0
        let error = posix_spawnp(&child, "ssh-agent", &actions, &attributes, &argv, &envp)
        return (error == 0 ? child : 0, error)
    }

    /// What is written until `ready` or the end.
    private static func read(_ pipe: AnonymousPipe) -> String {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !text.hasSuffix("ready\n"), text.utf8.count < 1 << 16 {
            let count = uninterrupted { Glibc.read(pipe.reader, &buffer, buffer.count) }
            guard count > 0 else { break }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        return text
    }
}
