internal import OCI

/// The annotations of an index and of its entries, as `--annotation` gives them.
public struct IndexAnnotations: Sendable, Hashable {
    private struct Entry: Hashable {
        let text: String
        /// `nil` for all of them.
        let platform: Platform?
        let name: String
        let value: String
    }

    private var index: [String: String] = [:]
    private var entries: [Entry] = []

    /// Parses `[index:]name=value` and `manifest-descriptor[os/arch]:name=value`, the platform being optional, as
    /// `docker buildx imagetools create` reads them.
    ///
    /// - Throws: `ImageError.invalidAnnotation`.
    public init(parsing texts: [String] = []) throws {
        for text in texts {
            guard let equals = text.firstIndex(of: "=") else {
                throw ImageError.invalidAnnotation(text, reason: "it has no value")
            }
            var name = text[..<equals]
            let value = String(text[text.index(after: equals)...])
            let entry = "manifest-descriptor"
            var platform: Platform?
            var isEntry = false
            if name.hasPrefix("index:") {
                name = name.dropFirst("index:".count)
            } else if name.hasPrefix(entry + ":") {
                (isEntry, name) = (true, name.dropFirst(entry.utf8.count + 1))
            } else if name.hasPrefix(entry + "["), let end = name.firstRange(of: "]:") {
                do {
                    platform = try Platform(parsing: String(name[..<end.lowerBound].dropFirst(entry.utf8.count + 1)))
                } catch {
                    throw ImageError.invalidAnnotation(text, reason: "\(error)")
                }
                (isEntry, name) = (true, name[end.upperBound...])
            }
            guard !name.isEmpty else { throw ImageError.invalidAnnotation(text, reason: "it has no name") }
            if isEntry {
                entries.append(Entry(text: text, platform: platform, name: String(name), value: value))
            } else {
                index[String(name)] = value
            }
        }
    }

    /// The index with these annotations.
    ///
    /// - Throws: `ImageError.invalidAnnotation` for a platform that it does not have.
    func annotate(_ document: ImageIndex) throws -> ImageIndex {
        var document = document
        if !index.isEmpty { document.annotations = index }
        for entry in entries {
            let positions = document.manifests.indices.filter {
                entry.platform == nil || document.manifests[$0].platform == entry.platform
            }
            if positions.isEmpty {
                throw ImageError.invalidAnnotation(entry.text, reason: "no image is for that platform")
            }
            for position in positions {
                document.manifests[position].annotations = (document.manifests[position].annotations ?? [:])
                    .merging([entry.name: entry.value]) { $1 }
            }
        }
        return document
    }
}
