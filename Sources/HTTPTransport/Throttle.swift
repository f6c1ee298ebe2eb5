internal import Synchronization
internal import Threads

/// Which servers want no request for a while: whoever is told to wait makes all others wait as well, which would only be told
/// the same and be counted.
final class Throttle: Sendable {
    private let closed = Mutex<[String: ContinuousClock.Instant]>([:])

    /// Lets no request pass to a server for some time.
    ///
    /// - Returns: Whether that is noticeably longer than was known.
    func close(_ host: String, for seconds: Double) -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        return closed.withLock { closed in
            guard end > (closed[host] ?? .now) + .milliseconds(500) else { return false }
            closed[host] = end
            return true
        }
    }

    /// Waits until requests to a server may pass.
    func pass(_ host: String) async throws {
        while let end = closed.withLock({ $0[host] }) {
            let rest = end - .now
            guard rest > .zero else { return }
            let (seconds, fraction) = rest.components
            try await Pause.wait(seconds: Double(seconds) + Double(fraction) / 1e18)
        }
    }
}
