public import OCI

/// Decodes documents that may come from anywhere, refusing those that could be read in two ways.
public enum ManifestDocument {
    /// The fields that tell a manifest from an index (CVE-2021-41190: one document, valid as both).
    private struct Shape: Decodable {
        struct Anything: Decodable {}

        var mediaType: MediaType?
        var config: Anything?
        var layers: [Anything]?
        var manifests: [Anything]?
    }

    /// A manifest of one image.
    ///
    /// - Throws: `ImageError.malformed`.
    public static func manifest(_ bytes: [UInt8], mediaType: MediaType) throws -> Manifest {
        guard mediaType.isManifest else {
            throw ImageError.malformed("the manifest", reason: "its media type is `\(mediaType.rawValue.prefix(100))`")
        }
        let shape = try decode(Shape.self, bytes, "the manifest")
        guard shape.manifests == nil else { throw ImageError.malformed("the manifest", reason: "it is also an index") }
        try check(shape, mediaType, "the manifest")
        let manifest = try decode(Manifest.self, bytes, "the manifest")
        guard manifest.config.size >= 0, manifest.layers.allSatisfy({ $0.size >= 0 }) else {
            throw ImageError.malformed("the manifest", reason: "a size is negative")
        }
        return manifest
    }

    /// An index of manifests; `mediaType` is what refers to it calls it.
    ///
    /// - Throws: `ImageError.malformed`.
    public static func index(_ bytes: [UInt8], mediaType: MediaType?) throws -> ImageIndex {
        let shape = try decode(Shape.self, bytes, "the image index")
        guard shape.config == nil, shape.layers == nil else {
            throw ImageError.malformed("the image index", reason: "it is also a manifest")
        }
        if let mediaType { try check(shape, mediaType, "the image index") }
        return try decode(ImageIndex.self, bytes, "the image index")
    }

    /// A configuration.
    ///
    /// - Throws: `ImageError.malformed`.
    public static func configuration(_ bytes: [UInt8]) throws -> ImageConfiguration {
        try decode(ImageConfiguration.self, bytes, "the image configuration")
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8], _ what: String) throws -> Value {
        do {
            return try CanonicalJSON.decode(type, from: bytes)
        } catch let error as OCIError {
            throw ImageError.malformed(what, reason: "\(error)")
        } catch let error as DecodingError {
            throw ImageError.malformed(what, reason: reason(error))
        } catch {
            throw ImageError.malformed(what, reason: "it is not JSON")
        }
    }

    private static func check(_ shape: Shape, _ mediaType: MediaType, _ what: String) throws {
        guard shape.mediaType == nil || shape.mediaType == mediaType else {
            throw ImageError.malformed(what, reason: "its type differs from its descriptor's")
        }
    }

    private static func reason(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context) -> String {
            let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
            return path.isEmpty ? "the document" : "`\(path.prefix(100))`"
        }
        return switch error {
        case .keyNotFound(let key, _): "`\(key.stringValue.prefix(100))` is missing"
        case .typeMismatch(_, let context): "\(place(context)) has the wrong type"
        case .valueNotFound(_, let context): "\(place(context)) is null"
        default: "it is not JSON"
        }
    }
}
