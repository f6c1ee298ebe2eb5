import FileSystem
import Glibc
import Sandbox
import SystemPackage

/// A process in the place of this one: its terminal or pipes, and the signals that this one gets.
enum ForegroundProcess {
    /// Runs a process to its end.
    ///
    /// - Parameters:
    ///   - usesTerminal: Whether it gets a terminal of its own, which this one shows.
    ///   - isInteractive: Whether it gets this process's input.
    /// - Returns: The exit code, 128 + n for a signal.
    /// - Throws: `CommandFailure` with 127 or 126 for a program that is not there or not executable.
    static func run(
        usesTerminal: Bool,
        isInteractive: Bool,
        _ launch: (SandboxStreams) throws -> SandboxProcess
    ) throws -> Int32 {
        do {
            let input = try isInteractive ? STDIN_FILENO : FileOperations.open("/dev/null", O_RDONLY)
            if usesTerminal { return try runInTerminal(input: input, isInteractive: isInteractive, launch) }
            let process = try launch(.descriptors(input: input, output: STDOUT_FILENO, error: STDERR_FILENO))
            forwardSignals(to: process)
            return try process.wait().code
        } catch let error as SandboxError {
            switch error.reason {
            case .execution: throw CommandFailure("\(error)", status: error.errno == .noSuchFileOrDirectory ? 127 : 126)
            default: throw CommandFailure("\(error)", status: ExitStatus.environment)
            }
        }
    }

    /// The first process of a container ignores a signal that it has no handler for; the second one is SIGKILL therefore.
    private static func forwardSignals(to process: SandboxProcess) {
        Signals.forward { signal, count in process.kill(count == 1 ? signal : SIGKILL) }
    }

    private static func runInTerminal(
        input: Int32,
        isInteractive: Bool,
        _ launch: (SandboxStreams) throws -> SandboxProcess
    ) throws -> Int32 {
        let terminal = try PseudoTerminal()
        terminal.copySize(from: STDIN_FILENO)
        let process = try launch(.terminal(terminal.processEnd))
        forwardSignals(to: process)
        // Dropping the mode gives the terminal back as it was.
        let mode = isInteractive ? RawTerminalMode(STDIN_FILENO) : nil
        let result = Result { try terminal.relay(input: input, output: STDOUT_FILENO, untilEndOf: process) }
        if let mode = consume mode { mode.restore() }
        try result.get()
        return try process.wait().code
    }
}
