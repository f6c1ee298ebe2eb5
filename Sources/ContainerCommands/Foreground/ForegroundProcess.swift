import FileSystem
import Glibc
import Reporting
import Sandbox
import SystemPackage
import TerminalUI

/// A process in the place of this one: its terminal or pipes, and the signals that this one gets.
enum ForegroundProcess {
    /// Runs a process to its end.
    ///
    /// - Parameters:
    ///   - usesTerminal: Whether it gets a terminal of its own, which this one shows.
    ///   - isInteractive: Whether it gets this process's input.
    ///   - terminal: Opens the terminal.
    /// - Returns: The exit code, 128 + n for a signal.
    /// - Throws: `UserError` with 127 or 126 for a program that is not there or not executable.
    static func run(
        usesTerminal: Bool,
        isInteractive: Bool,
        terminal: () throws -> PseudoTerminal = { try PseudoTerminal() },
        _ launch: (SandboxStreams) throws -> SandboxProcess
    ) throws -> ExitStatus {
        do {
            let input = try isInteractive ? STDIN_FILENO : FileOperations.open("/dev/null", O_RDONLY)
            if usesTerminal {
                // On a terminal nothing ends what nobody types.
                let isOpen = !isInteractive && Terminal.isTerminal(STDIN_FILENO)
                return try runInTerminal(terminal(), input: isOpen ? -1 : input, launch)
            }
            let process = try launch(.descriptors(input: input, output: STDOUT_FILENO, error: STDERR_FILENO))
            ForwardedSignals.forward(isProxy: true, resize: nil) { process.kill($0) }
            return ExitStatus(rawValue: try process.wait().code)
        } catch let error as SandboxError {
            switch error.reason {
            case .execution:
                throw UserError(
                    "\(error)",
                    status: ExitStatus(rawValue: error.errno == .noSuchFileOrDirectory ? 127 : 126)
                )
            default: throw UserError("\(error)", status: .environment)
            }
        }
    }

    private static func runInTerminal(
        _ terminal: PseudoTerminal,
        input: Int32,
        _ launch: (SandboxStreams) throws -> SandboxProcess
    ) throws -> ExitStatus {
        terminal.copySize(from: STDIN_FILENO)
        let process = try launch(.terminal(terminal.processEnd))
        ForwardedSignals.forward(isProxy: true, resize: { terminal.copySize(from: STDOUT_FILENO) }) { process.kill($0) }
        // Dropping the mode gives the terminal back as it was.
        let mode = input < 0 ? nil : RawTerminalMode(input)
        let result = Result { try terminal.relay(input: input, output: STDOUT_FILENO, untilEndOf: process) }
        if let mode = consume mode { mode.restore() }
        try result.get()
        return ExitStatus(rawValue: try process.wait().code)
    }
}
