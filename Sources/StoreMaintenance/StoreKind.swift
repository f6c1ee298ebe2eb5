public import ContentStore

/// What the store holds, in the words and the order in which it is shown.
public enum StoreKind: String, CaseIterable, Encodable {
    case images
    case layers
    case stepResults = "step results"
    case snapshots = "unpacked layers"
    /// What their mounting takes beside the layers.
    case mountedLayers = "mounted layers"
    case cacheMounts = "cache mounts"
    case sources = "fetched sources"
    case fingerprints
    case builds = "build records"
    case logs = "build logs"
    case containers
    case volumes
    case temporary = "temporary files"
    /// Directories and locks.
    case other

    /// The directory with one entry for each; `nil` where it is not so simple.
    public var bucket: Store.Bucket? {
        switch self {
        case .stepResults: .cache
        case .snapshots: .snapshots
        case .mountedLayers: .erofs
        case .cacheMounts: .mounts
        case .sources: .sources
        case .fingerprints: .fingerprints
        case .builds: .builds
        case .logs: .logs
        case .containers: .containers
        case .volumes: .volumes
        case .temporary: .temporary
        case .images, .layers, .other: nil
        }
    }

    public var title: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }

    public func noun(_ count: Int) -> String {
        count == 1 && rawValue.hasSuffix("s") ? String(rawValue.dropLast()) : rawValue
    }
}
