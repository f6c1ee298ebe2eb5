import CommandSupport
import ContainerRuntime
package import Containers
import FileSystem
import Glibc
package import Reporting
import Sandbox
import TerminalUI

/// A container in the place of this process: its output, this one's input, and the signals that this one gets.
struct AttachedContainer {
    let container: Container
    let connection: SupervisorConnection
    let givesInput: Bool
    var proxiesSignals = true
    var detachKeys: [UInt8] = AttachedContainer.usualKeys

    /// Ctrl-P Ctrl-Q.
    static let usualKeys: [UInt8] = [16, 17]

    /// Shows the container until it ends, or until the user detaches from it.
    ///
    /// - Returns: The container's exit code; 0 after detaching.
    func show() throws -> ExitStatus {
        let usesTerminal = container.record.process.usesTerminal
        let isTerminal = usesTerminal && Terminal.isTerminal(STDIN_FILENO) && givesInput
        forwardSignals(usesTerminal: usesTerminal)
        // On a terminal nothing else ends what is not typed.
        if usesTerminal, !givesInput, !Terminal.isTerminal(STDIN_FILENO) { connection.endInput() }
        let mode = isTerminal ? RawTerminalMode(STDIN_FILENO) : nil
        let ending = Result {
            try connection.relay(
                input: givesInput ? STDIN_FILENO : -1,
                output: STDOUT_FILENO,
                error: STDERR_FILENO,
                detachKeys: isTerminal ? detachKeys : []
            )
        }
        if let mode = consume mode { mode.restore() }
        switch try ending.get() {
        case .exited(let code): return ExitStatus(rawValue: code)
        case .detached:
            Terminal.write(
                "\nnote: detached; `swiftbuild attach \(container.record.name)` shows it again\n",
                to: STDERR_FILENO
            )
            return .success
        }
    }

    private func forwardSignals(usesTerminal: Bool) {
        let connection = connection
        let resize: @Sendable () -> Void = { connection.resize(from: STDOUT_FILENO) }
        ForwardedSignals.forward(isProxy: proxiesSignals, resize: usesTerminal ? resize : nil) {
            connection.send(signal: $0)
        }
    }

    /// Reads what `--detach-keys` has: letters, and `ctrl-` with one of `a-z@[\]^_`, separated by commas.
    ///
    /// - Throws: `UserError` with the status for wrong use.
    static func keys(_ text: String?) throws -> [UInt8] {
        guard let text else { return usualKeys }
        return try text.split(separator: ",").map { part in
            if part.utf8.count == 1, let byte = part.utf8.first { return byte }
            if part.lowercased().hasPrefix("ctrl-"), part.utf8.count == 6, let byte = part.uppercased().utf8.last,
                (0x40...0x5F).contains(byte)
            {
                return byte & 0x1F
            }
            throw UserError("--detach-keys: invalid key `\(part)`: expected, for example, ctrl-p", status: .usage)
        }
    }
}

extension Container {
    /// Starts the container and shows it in the place of this process until it ends.
    ///
    /// - Parameters:
    ///   - givesInput: Whether it gets this process's input.
    ///   - proxiesSignals: Whether signals are handed on to it.
    ///   - detachKeys: What `--detach-keys` says.
    /// - Returns: The container's exit code; 0 after detaching.
    package func runInForeground(
        givesInput: Bool,
        proxiesSignals: Bool = true,
        detachKeys: [UInt8]? = nil
    ) throws -> ExitStatus {
        Signals.hold()
        return try AttachedContainer(
            container: self,
            connection: try start(
                SupervisorEntry.arguments(self),
                attachment: Attachment(givesInput: givesInput, terminal: STDOUT_FILENO)
            ),
            givesInput: givesInput,
            proxiesSignals: proxiesSignals,
            detachKeys: detachKeys ?? AttachedContainer.usualKeys
        ).show()
    }

    /// Runs a command in the container in the place of this process.
    ///
    /// - Parameter isDetached: Whether it does not wait for the command.
    /// - Returns: The command's exit code.
    package func executeInForeground(_ options: ExecOptions, isInteractive: Bool, isDetached: Bool) throws -> ExitStatus
    {
        if options.usesTerminal, isInteractive, !Terminal.isTerminal(STDIN_FILENO) {
            throw UserError("the input device is not a TTY", hints: ["`-i` without `-t` takes a pipe or a file"])
        }
        Signals.hold()
        if isDetached {
            try executeDetached(options)
            return .success
        }
        let status = try ForegroundProcess.run(
            usesTerminal: options.usesTerminal,
            isInteractive: isInteractive,
            terminal: openTerminal
        ) { streams in try execute(options, streams) }
        note("exec_die", ["exitCode": "\(status.rawValue)"])
        return status
    }
}
