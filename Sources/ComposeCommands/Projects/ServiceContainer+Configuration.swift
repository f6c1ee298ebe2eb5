internal import ContentStore
internal import OCI

/// What a container was made of, kept with it: the hash only tells that it has changed.
extension ServiceContainer {
    /// The annotation.
    static let configurationKey = "swiftbuild.compose.configuration"

    static func text(_ values: [String: String]) throws -> String {
        String(decoding: try CanonicalJSON.encode(values), as: UTF8.self)
    }

    static func values(_ text: String) -> [String: String]? {
        try? CanonicalJSON.decode([String: String].self, from: Array(text.utf8))
    }
}
