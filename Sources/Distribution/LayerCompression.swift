public import Reporting

/// How layers are compressed for a registry.
public enum LayerCompression: Sendable, Hashable {
    /// zlib's levels, 1 to 9.
    case gzip(level: Int)
    /// zstd's levels, 1 to 19.
    case zstd(level: Int)
    /// gzip with a table of contents, by which readers fetch single files; the layer's tar becomes another one.
    case estargz(level: Int)
    /// zstd with a table of contents, and the same tar.
    case zstdChunked(level: Int)
    case uncompressed

    public static let usual = LayerCompression.gzip(level: 6)

    /// - Parameter level: The algorithm's usual one where it is `nil`.
    /// - Throws: `UserError` with the status for wrong use.
    public init(_ name: String, level: Int?) throws(UserError) {
        switch name {
        case "gzip" where (1...9).contains(level ?? 6): self = .gzip(level: level ?? 6)
        case "zstd" where (1...19).contains(level ?? 3): self = .zstd(level: level ?? 3)
        case "estargz" where (1...9).contains(level ?? 6): self = .estargz(level: level ?? 6)
        case "zstd:chunked" where (1...19).contains(level ?? 3): self = .zstdChunked(level: level ?? 3)
        case "uncompressed" where level == nil, "none" where level == nil: self = .uncompressed
        default:
            throw UserError(
                "unknown compression `\(name)`\(level.map { " of level \($0)" } ?? "")",
                hints: [
                    "gzip or estargz with levels 1 to 9, zstd or zstd:chunked with levels 1 to 19, or uncompressed"
                ],
                status: .usage
            )
        }
    }

    /// The name of the form, the same for the same bytes.
    var name: String {
        switch self {
        case .gzip(let level): "gzip-\(level)"
        case .zstd(let level): "zstd-\(level)"
        case .estargz(let level): "estargz-\(level)"
        case .zstdChunked(let level): "zstd-chunked-\(level)"
        case .uncompressed: "uncompressed"
        }
    }

    /// Whether layers get another diff ID.
    var changesLayers: Bool { if case .estargz = self { true } else { false } }

    /// The form of what has a table of contents.
    var chunked: ChunkedForm? {
        switch self {
        case .estargz(let level): .estargz(level: level)
        case .zstdChunked(let level): .zstd(level: level)
        case .gzip, .zstd, .uncompressed: nil
        }
    }
}
