import Glibc
import Sandbox
import Synchronization

/// Passes SIGINT, SIGTERM, SIGHUP and SIGQUIT on to a process.
///
/// The first process of a container ignores a signal that it has no handler for; the second one is SIGKILL therefore.
final class SignalForwarding: Sendable {
    private static let target = Mutex<SandboxProcess?>(nil)
    private static var signals: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { sigaddset(&signals, signal) }
        return signals
    }

    /// Holds the signals back until there is a process.
    init() {
        var signals = SignalForwarding.signals
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Passes on what came and what comes, from a thread of its own.
    func forward(to process: SandboxProcess) {
        SignalForwarding.target.withLock { $0 = process }
        var thread: pthread_t = 0
        pthread_create(
            &thread, nil,
            { _ in
                var signals = SignalForwarding.signals
                var hadOne = false
                while true {
                    var signal: Int32 = 0
                    guard sigwait(&signals, &signal) == 0 else { continue }
                    SignalForwarding.target.withLock { $0 }?.kill(hadOne ? SIGKILL : signal)
                    hadOne = true
                }
            }, nil)
        pthread_detach(thread)
    }
}
