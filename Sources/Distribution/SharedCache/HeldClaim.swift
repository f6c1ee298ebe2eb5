internal import ContentStore
internal import OCI
internal import Registry
internal import Synchronization
internal import Threads

/// A claim of this build, which is kept until the result is there or the claim is given up.
final class HeldClaim: Sendable {
    private struct State {
        var claim: WorkClaim
        var isEnding = false
        var isPublishing = false
        /// Claims on what is made on top of this result, which must be there before it is.
        var successors: [HeldClaim] = []
        var keeper: Task<Void, Never>?
        /// The first writing of the claim, where nothing waits for it.
        var first: Task<Void, Never>?
    }

    private let key: Digest
    private let storage: any CacheStorage
    private let blobs: BlobStore
    private let state: Mutex<State>

    /// How often it is looked whether the claim still stands, in seconds: at first, while those may write who were slow.
    private static let firstLook = 0.3
    private static let look = 1.0
    private static let firstLooks = Duration.seconds(4)
    /// How often the claim is written again.
    private static let beat = Duration.seconds(5)
    /// How long one request may take, in seconds.
    private static let limit = 5.0

    init(_ claim: WorkClaim, _ key: Digest, in storage: any CacheStorage, _ blobs: BlobStore) {
        self.key = key
        self.storage = storage
        self.blobs = blobs
        state = Mutex(State(claim: claim))
    }

    var owner: String { state.withLock { $0.claim.owner } }

    /// Writes the claim as it is now.
    func write() async throws {
        try blobs.write(CacheEntry.emptyBytes)
        let bytes = try CanonicalJSON.encode(state.withLock { $0.claim }.manifest)
        try await limited(HeldClaim.limit) { [self] in
            let manifest = RemoteManifest(mediaType: .imageManifest, bytes: bytes)
            try await storage.put(manifest, for: key, [], from: blobs)
        }
    }

    /// Begins to keep the claim.
    ///
    /// - Parameter isWritten: Whether it stands there already.
    func keep(isWritten: Bool) {
        state.withLock { state in
            let first: Task<Void, Never>? =
                isWritten
                ? nil : Task(executorPreference: BlockingExecutor.shared) { [self] in _ = try? await write() }
            state.first = first
            state.keeper = Task(executorPreference: BlockingExecutor.shared) { [self] in
                await first?.value
                await keepOn()
            }
        }
    }

    private func keepOn() async {
        let begin = ContinuousClock.now
        var (latest, written) = (begin, begin)
        func pause() async -> Bool {
            let isFirst = .now - begin < HeldClaim.firstLooks
            return (try? await Pause.wait(seconds: isFirst ? HeldClaim.firstLook : HeldClaim.look)) != nil
        }
        while await pause(), !state.withLock({ $0.isEnding }) {
            // No request is given up halfway: it must not arrive after the result.
            let isOwn = await Task(executorPreference: BlockingExecutor.shared) { [self] in
                let found = try? await limited(HeldClaim.limit) { [self] in try await storage.manifest(for: key) }
                return found.flatMap { WorkClaim(decoding: $0) }.map { $0.owner == owner }
            }.value
            // Somebody wrote late what he had decided before the claim stood; unless this process slept meanwhile.
            let wasOvertaken = isOwn == false && .now - latest < SharedCache.lease
            if isOwn == false, !wasOvertaken { return }
            if isOwn == true { latest = .now }
            guard wasOvertaken || .now - written > HeldClaim.beat, !state.withLock({ $0.isEnding }) else { continue }
            written = .now
            state.withLock { $0.claim.beat = ($0.claim.beat + 1) % WorkClaim.beats }
            await Task(executorPreference: BlockingExecutor.shared) { [self] in try? await write() }.value
        }
    }

    /// Keeps another claim, which nobody waits for, but which stands before the result of this one does.
    ///
    /// - Returns: Whether that is still possible.
    func precede(_ other: HeldClaim) -> Bool {
        state.withLock { state in
            guard !state.isPublishing, !state.isEnding else { return false }
            other.keep(isWritten: false)
            state.successors.append(other)
            return true
        }
    }

    /// Ends keeping the claim, so that the result can be written in its place.
    func beginPublishing() async {
        let successors = state.withLock { state in
            state.isPublishing = true
            return state.successors
        }
        for successor in successors { await successor.state.withLock { $0.first }?.value }
        await end()
    }

    private func end() async {
        let keeper = state.withLock { state in
            state.isEnding = true
            return state.keeper
        }
        keeper?.cancel()
        await keeper?.value
    }

    /// Lets others make the result.
    func release(_ reason: WorkClaim.State) async {
        await end()
        state.withLock { $0.claim.state = reason }
        try? await limited(2) { [self] in
            // What somebody else has put there stays.
            let found = try await storage.manifest(for: key)
            guard let found, WorkClaim(decoding: found)?.owner == owner else { return }
            try await write()
        }
    }
}
