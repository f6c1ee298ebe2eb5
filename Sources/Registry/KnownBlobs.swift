internal import OCI
internal import Synchronization
internal import Threads

/// Which blobs the repositories of one registry have, and what it cannot be asked, as far as this process was told.
final class KnownBlobs: Sendable {
    private struct Place: Hashable {
        let repository: String
        let digest: Digest
    }

    private struct State {
        var known: Set<Place> = []
        /// Of those that are being sent.
        var turns: [Place: (turns: Turns, count: Int)] = [:]
        var knowsNoReferrers = false
    }

    private let state = Mutex(State())

    func contains(_ digest: Digest, in repository: String) -> Bool {
        state.withLock { $0.known.contains(Place(repository: repository, digest: digest)) }
    }

    func insert(_ digest: Digest, in repository: String) {
        state.withLock { _ = $0.known.insert(Place(repository: repository, digest: digest)) }
    }

    /// Whether the registry does not know what is about a manifest.
    var knowsNoReferrers: Bool { state.withLock { $0.knowsNoReferrers } }

    func noteMissingReferrers() { state.withLock { $0.knowsNoReferrers = true } }

    /// Forgets what is known of a repository: it may have removed something.
    func forget(_ repository: String) {
        state.withLock { state in state.known = state.known.filter { $0.repository != repository } }
    }

    /// Does what makes a blob known, unless another task does so meanwhile.
    ///
    /// Where that one fails the next one tries.
    func join(_ digest: Digest, in repository: String, _ send: () async throws -> Void) async throws {
        let place = Place(repository: repository, digest: digest)
        let turns = state.withLock { state in
            state.turns[place, default: (Turns(), 0)].count += 1
            return state.turns[place]?.turns ?? Turns()
        }
        defer {
            state.withLock { state in
                state.turns[place]?.count -= 1
                if state.turns[place]?.count == 0 { state.turns[place] = nil }
            }
        }
        try await turns.take {
            try Task.checkCancellation()
            if contains(digest, in: repository) { return }
            try await send()
            insert(digest, in: repository)
        }
    }
}
