internal import BuildRecords
internal import Compose
internal import Distribution
internal import OCI

/// When the images of services are built and pulled, and how.
struct ServiceImagePolicy: Sendable {
    enum Build: Sendable {
        /// Where there is no image of the service's name.
        case missing
        /// Each that can be: `--build`.
        case always
        /// None: `--no-build`.
        case never
    }

    var build = Build.missing
    /// What counts in the place of `pull_policy`.
    var pull: ServicePullPolicy?
    /// Whether an image is built for each of `platforms`, and not only for the one that is run here.
    var buildsAllPlatforms = false
    /// Whether what was built is pushed where the service has an `image`.
    var pushes = false
    /// Each `NAME=VALUE`, or `NAME` for the variable's value; they win over those of the file.
    var buildArguments: [String] = []
    /// As `--ssh` takes them.
    var agents: [String] = []
    var ignoresCache = false
    /// Whether base images are pulled.
    var pullsBases = false
    /// Whether cache misses are explained.
    var explains = false
    /// Whether each service that can be is built, and each step must be in the cache.
    var expectsCached = false
}

/// The image of a service.
struct ServiceImage: Sendable {
    enum Origin: Sendable {
        /// It was in the store.
        case store
        case pulled
        case built(BuildReason, BuildRecord)
    }

    /// As the service calls it; of one that is only built, the name of project and service.
    let name: ImageReference
    let image: ResolvedImage
    /// What the name meant before, if it was anything.
    let previous: Digest?
    let origin: Origin

    /// Whether the name means something else now.
    var isNew: Bool { previous != image.id }
}

/// Why the image of a service was built.
enum BuildReason: Sendable, Equatable {
    /// There was none of its name.
    case missing
    /// `--build`, or `build` itself.
    case asked
    /// `pull_policy: build`.
    case policy
    /// The build of this service begins with it.
    case base(of: String)

    var text: String {
        switch self {
        case .missing: "there was no image"
        case .asked: "the command asks for it"
        case .policy: "`pull_policy` is `build`"
        case .base(let service): "`\(service)` is built from it"
        }
    }
}
