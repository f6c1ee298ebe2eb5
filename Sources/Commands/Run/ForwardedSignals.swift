import Glibc
import Sandbox
import Synchronization
import TerminalUI

/// The signals of a process in the place of this one.
///
/// Each is handed on as often as it comes. The first process of a container ignores those that it has no handler for
/// (`pid_namespaces(7)`), while a user who presses Ctrl-C again and again wants it to end all the same.
final class ForwardedSignals: Sendable {
    /// Keys that are pressed in this time belong together.
    private static let patience: Int64 = 3_000_000_000
    private let process: SandboxProcess
    private let terminal: PseudoTerminal?
    private let isProxy: Bool
    /// When Ctrl-C was pressed lately.
    private let presses = Mutex<[Int64]>([])

    private init(_ process: SandboxProcess, _ terminal: PseudoTerminal?, isProxy: Bool) {
        (self.process, self.terminal, self.isProxy) = (process, terminal, isProxy)
    }

    /// Hands on every signal from now on, and those that were held.
    ///
    /// - Parameters:
    ///   - terminal: The process's own, which tells it of a new size itself.
    ///   - isProxy: Whether signals are handed on, and not obeyed.
    static func forward(to process: SandboxProcess, terminal: PseudoTerminal? = nil, isProxy: Bool) {
        let signals = ForwardedSignals(process, terminal, isProxy: isProxy)
        Signals.forward { signals.receive($0) }
    }

    private func receive(_ arrival: Signals.Arrival) {
        if arrival.signal == SIGWINCH, let terminal { return terminal.copySize(from: STDOUT_FILENO) }
        guard isProxy else {
            // The process ends with this one, which has to clean up.
            return arrival.endsPrograms ? process.kill(SIGKILL) : Signals.obey(arrival)
        }
        guard arrival.signal == SIGINT, arrival.isFromTerminal else { return process.kill(arrival.signal) }
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let now = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        let count = presses.withLock { presses in
            presses = presses.filter { $0 > now - ForwardedSignals.patience } + [now]
            return presses.count
        }
        switch count {
        case 1: process.kill(SIGINT)
        case 2:
            process.kill(SIGINT)
            Terminal.write("note: the command still runs; a third Ctrl-C kills it\n", to: STDERR_FILENO)
        default:
            Terminal.write("note: killed by the third Ctrl-C\n", to: STDERR_FILENO)
            process.kill(SIGKILL)
        }
    }
}
