/// How layers are compressed for a registry.
public enum LayerCompression: Sendable, Hashable {
    /// zlib's levels, 1 to 9.
    case gzip(level: Int)
    /// zstd's levels, 1 to 19.
    case zstd(level: Int)
    case uncompressed

    public static let usual = LayerCompression.gzip(level: 6)

    /// - Parameter level: The algorithm's usual one where it is `nil`.
    public init?(_ name: String, level: Int?) {
        switch name {
        case "gzip" where (1...9).contains(level ?? 6): self = .gzip(level: level ?? 6)
        case "zstd" where (1...19).contains(level ?? 3): self = .zstd(level: level ?? 3)
        case "uncompressed" where level == nil, "none" where level == nil: self = .uncompressed
        default: return nil
        }
    }

    /// The name of the form, the same for the same bytes.
    var name: String {
        switch self {
        case .gzip(let level): "gzip-\(level)"
        case .zstd(let level): "zstd-\(level)"
        case .uncompressed: "uncompressed"
        }
    }
}
