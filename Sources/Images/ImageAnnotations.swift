internal import OCI

/// The annotations of an image, as `--annotation` gives them.
public struct ImageAnnotations: Sendable, Hashable {
    /// Those of the manifest; they are part of its digest.
    public private(set) var manifest: [String: String] = [:]
    /// Those of the entry for the image in an index, such as the `index.json` of a layout.
    public private(set) var descriptor: [String: String] = [:]

    /// Parses `[type[,type]…:]name=value` texts; the type is `manifest` unless it is `manifest-descriptor`.
    ///
    /// - Throws: `ImageError.invalidAnnotation`, also for the annotations of an index, which an image for one platform
    ///   does not have.
    public init(parsing texts: [String]) throws {
        for text in texts {
            guard let equals = text.firstIndex(of: "=") else {
                throw ImageError.invalidAnnotation(text, reason: "it has no value")
            }
            var name = text[..<equals]
            var types: [Substring] = ["manifest"]
            // A name may hold a colon too: only known types are taken for types.
            if let colon = name.firstIndex(of: ":"), name[..<colon].split(separator: ",").allSatisfy(Self.isType) {
                types = name[..<colon].split(separator: ",")
                name = name[name.index(after: colon)...]
            }
            guard !name.isEmpty, !types.isEmpty else {
                throw ImageError.invalidAnnotation(text, reason: "it has no name")
            }
            let value = String(text[text.index(after: equals)...])
            for type in types {
                switch type {
                case "manifest": manifest[String(name)] = value
                case "manifest-descriptor": descriptor[String(name)] = value
                default: throw ImageError.invalidAnnotation(text, reason: "an image for one platform has no index")
                }
            }
        }
    }

    private static func isType(_ text: Substring) -> Bool {
        ["manifest", "manifest-descriptor", "index", "index-descriptor"].contains(text)
    }
}
