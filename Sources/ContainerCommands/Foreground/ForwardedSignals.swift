import CommandSupport
import Glibc
import Synchronization
import TerminalUI
import Threads

/// The signals of a process in the place of this one.
///
/// Each is handed on as often as it comes. The first process of a container ignores those that it has no handler for
/// (`pid_namespaces(7)`), and whoever presses Ctrl-C again and again wants it to end all the same.
final class ForwardedSignals: Sendable {
    /// Keys that are pressed in this time belong together.
    private static let patience: Int64 = 3_000_000_000
    private let isProxy: Bool
    private let resize: (@Sendable () -> Void)?
    private let send: @Sendable (Int32) -> Void
    /// When Ctrl-C was pressed lately.
    private let presses = Mutex<[Int64]>([])

    private init(isProxy: Bool, resize: (@Sendable () -> Void)?, send: @escaping @Sendable (Int32) -> Void) {
        (self.isProxy, self.resize, self.send) = (isProxy, resize, send)
    }

    /// Hands on every signal from now on, and those that were held.
    ///
    /// - Parameters:
    ///   - isProxy: Whether signals are handed on, and not obeyed.
    ///   - resize: Tells the process's own terminal of a new size; `nil` where it has none.
    static func forward(
        isProxy: Bool,
        resize: (@Sendable () -> Void)?,
        send: @escaping @Sendable (Int32) -> Void
    ) {
        let signals = ForwardedSignals(isProxy: isProxy, resize: resize, send: send)
        Signals.forward { signals.receive($0) }
    }

    private func receive(_ arrival: Signals.Arrival) {
        if arrival.signal == SIGWINCH, let resize { return resize() }
        guard isProxy else { return Signals.obey(arrival) }
        guard arrival.signal == SIGINT, arrival.isFromTerminal else { return send(arrival.signal) }
        let now = Pause.now
        let count = presses.withLock { presses in
            presses = presses.filter { $0 > now - ForwardedSignals.patience } + [now]
            return presses.count
        }
        switch count {
        case 1: send(SIGINT)
        case 2:
            send(SIGINT)
            Terminal.write("note: the command is still running; a third Ctrl-C kills it\n", to: STDERR_FILENO)
        default:
            Terminal.write("note: killed by the third Ctrl-C\n", to: STDERR_FILENO)
            send(SIGKILL)
        }
    }
}
