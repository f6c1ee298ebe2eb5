internal import Formatting

/// How directories of `RUN --mount=type=cache` go along with a shared cache: `cache-mounts=true`, `cache-mounts-scope=NAME`
/// and, for writing, `cache-mounts-limit=SIZE`.
public struct SharedMountOptions: Sendable, Hashable {
    /// What tells several directories of one mount apart, such as the name of a branch; empty for the usual one.
    public let scope: String
    /// The largest directory that goes along, in bytes.
    public let limit: Int64

    static let usualLimit: Int64 = 2_000_000_000

    /// Why a text does not mean any.
    struct Invalid: Error {
        let reason: String
    }

    init(scope: String = "", limit: Int64 = SharedMountOptions.usualLimit) {
        (self.scope, self.limit) = (scope, limit)
    }

    /// Takes them out of the values of a location; `nil` where mounts do not go along.
    init?(_ values: inout [String: String], _ direction: CacheLocation.Direction) throws(Invalid) {
        let scope = values.removeValue(forKey: "cache-mounts-scope")
        let limit = direction == .to ? values.removeValue(forKey: "cache-mounts-limit") : nil
        switch values.removeValue(forKey: "cache-mounts") {
        case "true"?: break
        case nil, "false"?:
            guard scope == nil, limit == nil else {
                throw Invalid(reason: "`cache-mounts-\(scope == nil ? "limit" : "scope")` needs `cache-mounts=true`")
            }
            return nil
        case let other?: throw Invalid(reason: "`cache-mounts=\(other)`: expected true or false")
        }
        var bytes: Int64 = SharedMountOptions.usualLimit
        if let limit {
            guard let size = ByteSize.decimal(limit) else {
                throw Invalid(reason: "invalid size `\(limit)`: expected, for example, 5GB")
            }
            bytes = size
        }
        self.init(scope: scope ?? "", limit: bytes)
    }
}
