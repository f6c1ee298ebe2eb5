internal import Foundation
internal import Glibc
internal import SystemPackage

/// What a finished process left behind.
struct CommandResult: Sendable {
    let arguments: [String]
    /// The exit code, or 128 plus the number of the signal that ended it.
    let status: Int32
    let output: [UInt8]
    let errors: String

    var outputText: String { String(decoding: output, as: UTF8.self) }
    /// What was written to standard output, without the line end.
    var line: String { outputText.trimmingCharacters(in: .newlines) }
    /// Those of standard output that are not empty.
    var lines: [String] { outputText.split(separator: "\n").map(String.init) }
}

extension CommandResult: CustomStringConvertible {
    var description: String {
        "`\(arguments.joined(separator: " "))` ended with \(status)\n\(outputText)\(errors)"
    }
}

/// A process that may be signalled while it runs.
///
/// Its output goes to files, so that it never waits for a reader.
final class RunningCommand: Sendable {
    let processID: pid_t
    private let arguments: [String]
    private let outputFile: FilePath
    private let errorFile: FilePath

    /// Starts a process in a process group of its own.
    init(
        _ arguments: [String],
        environment: [String: String],
        directory: FilePath,
        logs: FilePath,
        input: FilePath? = nil
    ) throws {
        let name = UUID().uuidString
        self.arguments = arguments
        outputFile = logs.appending(name + ".out")
        errorFile = logs.appending(name + ".err")

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, (input ?? "/dev/null").string, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputFile.string, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, errorFile.string, O_WRONLY | O_CREAT | O_TRUNC, 0o644)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        posix_spawnattr_setpgroup(&attributes, 0)
        // Threads of tests block signals, and tmux would never learn of an end.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)

        // `env -C`, since Swift does not see posix_spawn_file_actions_addchdir_np; env becomes the command, same process.
        let command = ["env", "-C", directory.string] + arguments
        var argv: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var child: pid_t = 0
        let code = posix_spawnp(&child, command[0], &actions, &attributes, &argv, &envp)
        guard code == 0 else { throw Errno(rawValue: code) }
        processID = child
    }

    /// What it has written up to now, to standard output and then to standard error.
    var written: String {
        get throws { String(decoding: try readFile(outputFile) + readFile(errorFile), as: UTF8.self) }
    }

    func signal(_ number: Int32) {
        kill(processID, number)
    }

    /// Waits until a text appears on standard error; throws when the process says nothing like it for long.
    func waitForErrors(containing text: String) async throws {
        for _ in 0..<1500 {
            if try String(decoding: readFile(errorFile), as: UTF8.self).contains(text) { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw TestFailure("`\(text)` never appeared in: \(try String(decoding: readFile(errorFile), as: UTF8.self))")
    }

    /// Waits until a text appears on standard output or standard error.
    func waitForText(containing text: String) async throws {
        try await waitUntil { try written.contains(text) }
    }

    /// The result, once the process has ended; one that takes longer than the limit is killed.
    func wait(limit: Duration = .seconds(120)) async throws -> CommandResult {
        let status = await waitForStatus(limit: limit)
        return CommandResult(
            arguments: arguments,
            status: status,
            output: try readFile(outputFile),
            errors: String(decoding: try readFile(errorFile), as: UTF8.self)
        )
    }

    /// Like `wait`, without reading what was written.
    func waitForStatus(limit: Duration = .seconds(120)) async -> Int32 {
        let processID = processID
        let watchdog = Task {
            try await Task.sleep(for: limit)
            kill(-processID, SIGKILL)
        }
        // On a thread of its own: the tests' own pool has as many threads as there are cores.
        let status: Int32 = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var status: Int32 = 0
                while waitpid(processID, &status, 0) < 0, errno == EINTR {}
                continuation.resume(returning: status)
            }
        }
        watchdog.cancel()
        let signal = status & 0x7f
        return signal == 0 ? status >> 8 & 0xff : 128 + signal
    }
}

/// Something that a test needed and did not get.
struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Waits until something is the case, for fifteen seconds at most; whether it then is, is for the caller to check.
func waitUntil(_ isSo: () async throws -> Bool) async throws {
    for _ in 0..<1500 {
        if try await isSo() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    throw TestFailure("what the test waits for never came")
}

func readFile(_ path: FilePath) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path.string)))
}

func fileExists(_ path: FilePath) -> Bool {
    var status = stat()
    return lstat(path.string, &status) == 0
}
