internal import Glibc
internal import Reporting
internal import Synchronization

/// The transcript in Docker's words: one complete line after the other.
final class PlainProgress: ProgressRenderer {
    private let transcript = Mutex(Transcript())

    func show(_ event: BuildEvent) {
        transcript.withLock { transcript in
            let bytes = transcript.text(event)
            if !bytes.isEmpty { Terminal.write(bytes, to: STDERR_FILENO) }
        }
    }
}
