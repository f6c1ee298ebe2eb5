internal import ContentStore
internal import OCI

/// What a build that makes the result of a key says under that key, until the result stands there.
///
/// A claim needs nothing of the place but that the last one who writes something counts. Each is bounded: the owner writes
/// another beat every few seconds, and one that does not is taken over. A claim that is lost means only that work is done
/// twice.
struct WorkClaim: Sendable, Equatable {
    enum State: String, Sendable {
        case held
        /// The owner was interrupted, or has no result to give.
        case free
        /// The step fails.
        case failed
    }

    /// Nobody else's.
    let owner: String
    var state = State.held
    /// Changes as long as the owner lives.
    ///
    /// Of few values, so that few manifests are left behind.
    var beat = 0

    static let beats = 3
    static let artifactType = MediaType(rawValue: "application/vnd.swiftbuild.cache.claim.v1+json")

    private enum Name {
        static let owner = "dev.swiftbuild.cache.owner"
        static let state = "dev.swiftbuild.cache.state"
        static let beat = "dev.swiftbuild.cache.beat"
    }

    init(owner: String) {
        self.owner = owner
    }

    /// A claim of this process.
    init() {
        self.init(owner: String(UInt64.random(in: 0...UInt64.max), radix: 16))
    }

    /// Reads what was found under a key; `nil` for anything else.
    init?(decoding bytes: [UInt8]) {
        // Results are larger than claims, and need not be read twice.
        guard bytes.count < 4096, let manifest = try? CanonicalJSON.decode(Manifest.self, from: bytes),
            manifest.artifactType == WorkClaim.artifactType, let owner = manifest.annotations?[Name.owner],
            let state = manifest.annotations?[Name.state].flatMap(State.init),
            let beat = manifest.annotations?[Name.beat].flatMap({ Int($0) })
        else { return nil }
        self.init(owner: owner)
        (self.state, self.beat) = (state, beat)
    }

    var manifest: Manifest {
        var manifest = Manifest(
            config: CacheEntry.emptyDescriptor,
            layers: [CacheEntry.emptyDescriptor],
            annotations: [Name.owner: owner, Name.state: state.rawValue, Name.beat: String(beat)]
        )
        manifest.artifactType = WorkClaim.artifactType
        return manifest
    }
}
