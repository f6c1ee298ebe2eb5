internal import BuildCache
internal import ContentStore
internal import Layers
public import OCI
internal import Synchronization
internal import Threads

/// Of several builds at once on one cache, one makes the result of a step.
///
/// Fischer's algorithm: a claim is written where none stands, and counts if it still stands after a time in which everybody
/// must have written who had seen none. Who took longer than that waits until the owner has written again.
extension SharedCache {
    /// How long a claim counts that its owner does not renew.
    static let lease = Duration.seconds(20)
    /// The time between reading that there is no claim and having written one, in seconds.
    private static let delay = 0.3
    /// How long somebody waits who took longer: a few looks of an owner.
    private static let lateDelay = 1.5
    /// How long anybody waits for a live owner, in all.
    private static let patience = Duration.seconds(3600)
    /// How often a claim is written at most that does not stay.
    private static let attempts = 5

    public func isMadeElsewhere(_ key: Digest, after below: Digest?, waits: @Sendable () -> Void) async -> Bool {
        let places = destinations.map(\.storage)
        guard let storage = places.first(where: { place in sources.contains { $0.identity == place.identity } }),
            !isBroken(storage), !layers.isRefuted(key)
        else { return false }
        let claim = HeldClaim(WorkClaim(), key, in: storage, layers.store.blobs)
        // Nobody else has what the step stands on.
        if let below, let own = state.withLock({ $0.claims[below] }), own.precede(claim) {
            state.withLock { $0.claims[key] = claim }
            return false
        }
        do {
            return try await contend(for: key, claim, in: storage, waits)
        } catch {
            // What cannot be claimed is made.
            if !(error is CancellationError) { report(error, storage, isBroken: false) }
            return false
        }
    }

    /// - Returns: Whether somebody else has made the result.
    private func contend(
        for key: Digest,
        _ own: HeldClaim,
        in storage: any CacheStorage,
        _ waits: @Sendable () -> Void
    ) async throws -> Bool {
        let begin = ContinuousClock.now
        var seen: (claim: WorkClaim, since: ContinuousClock.Instant)?
        var (written, pause) = (0, 0.2)
        // That nothing stands there was just found out, mostly.
        var asked = state.withLock { $0.missed[key] }
        while true {
            if asked.map({ .now - $0 > .seconds(SharedCache.delay / 2) }) ?? true {
                let time = ContinuousClock.now
                let found = try await limited(10) { try await storage.manifest(for: key) }
                asked = time
                if let found, let other = WorkClaim(decoding: found) {
                    if other.owner == own.owner {
                        state.withLock { $0.claims[key] = own }
                        own.keep(isWritten: true)
                        return false
                    }
                    // The same would come of it here.
                    if other.state == .failed, seen?.claim.owner == other.owner { return false }
                    if seen == nil, other.state == .held { waits() }
                    if seen?.claim != other { seen = (other, .now) }
                    let isAlive = seen.map { .now - $0.since < SharedCache.lease } ?? false
                    if other.state == .held, isAlive, .now - begin < SharedCache.patience {
                        asked = nil
                        try await Pause.wait(seconds: pause * Double.random(in: 0.8...1.2))
                        pause = min(pause * 1.5, 1.5)
                        continue
                    }
                } else if found != nil {
                    return true
                }
            }
            guard written < SharedCache.attempts, .now - begin < SharedCache.patience else { return false }
            written += 1
            try await own.write()
            let isLate = asked.map { .now - $0 > .seconds(SharedCache.delay) } ?? true
            asked = nil
            try await Pause.wait(seconds: isLate ? SharedCache.lateDelay : SharedCache.delay)
        }
    }

    public func unclaim(_ key: Digest, isFailure: Bool) {
        guard let claim = state.withLock({ $0.claims.removeValue(forKey: key) }) else { return }
        let release = Task(executorPreference: BlockingExecutor.shared) {
            await claim.release(isFailure ? .failed : .free)
        }
        state.withLock { $0.releases.append(release) }
    }

    /// Gives up what is still claimed at the end of a build.
    func unclaimAll() async {
        for key in state.withLock({ Array($0.claims.keys) }) { unclaim(key, isFailure: false) }
        for release in state.withLock({ $0.releases }) { await release.value }
    }
}
