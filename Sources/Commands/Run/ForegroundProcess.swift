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
    ///   - proxiesSignals: Whether it gets the signals that this process gets.
    /// - Returns: The exit code, 128 + n for a signal.
    /// - Throws: `UserError` with 127 or 126 for a program that is not there or not executable.
    static func run(
        usesTerminal: Bool,
        isInteractive: Bool,
        proxiesSignals: Bool = true,
        _ launch: (SandboxStreams) throws -> SandboxProcess
    ) throws -> ExitStatus {
        do {
            let input = try isInteractive ? STDIN_FILENO : FileOperations.open("/dev/null", O_RDONLY)
            if usesTerminal {
                // As at a terminal where nothing is typed: the input has no end.
                let isOpen = !isInteractive && Terminal.isTerminal(STDIN_FILENO)
                return try runInTerminal(input: isOpen ? -1 : input, proxiesSignals, launch)
            }
            let process = try launch(.descriptors(input: input, output: STDOUT_FILENO, error: STDERR_FILENO))
            ForwardedSignals.forward(to: process, isProxy: proxiesSignals)
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
        input: Int32,
        _ proxiesSignals: Bool,
        _ launch: (SandboxStreams) throws -> SandboxProcess
    ) throws -> ExitStatus {
        let terminal = try PseudoTerminal()
        terminal.copySize(from: STDIN_FILENO)
        let process = try launch(.terminal(terminal.processEnd))
        ForwardedSignals.forward(to: process, terminal: terminal, isProxy: proxiesSignals)
        // Dropping the mode gives the terminal back as it was.
        let mode = input < 0 ? nil : RawTerminalMode(input)
        let result = Result { try terminal.relay(input: input, output: STDOUT_FILENO, untilEndOf: process) }
        if let mode = consume mode { mode.restore() }
        try result.get()
        return ExitStatus(rawValue: try process.wait().code)
    }
}
