internal import CLinux
internal import FileSystem
internal import Glibc
internal import SystemPackage

/// SIGTERM, SIGINT and SIGHUP as something that can be waited for with everything else.
final class SignalPipe {
    private static nonisolated(unsafe) var writer: Int32 = -1
    let descriptor: Int32

    /// Takes over the signals; there is one such value in a process.
    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        guard sb_pipe_cloexec(&ends) == 0 else { throw SystemError("make a pipe", "pipe") }
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        descriptor = ends[0]
        SignalPipe.writer = ends[1]
        signal(SIGPIPE, SIG_IGN)
        for number in [SIGTERM, SIGINT, SIGHUP] {
            signal(number) { _ in
                var byte: UInt8 = 0
                _ = write(SignalPipe.writer, &byte, 1)
            }
        }
        // The program blocks them for its first thread.
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
    }

    /// Whether a signal has come since the last call.
    func take() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 16)
        return read(descriptor, &bytes, bytes.count) > 0
    }
}
