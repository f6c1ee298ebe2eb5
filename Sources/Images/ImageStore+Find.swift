internal import ContentStore
public import OCI
internal import Reporting

extension ImageStore {
    /// The image that a reference names; for `FROM`, so it reads one name and one record and lists no directory.
    ///
    /// A reference with a digest is found by that digest, or under its tag if the image has that manifest or ID.
    /// Of an index it is the image for `platform`.
    public func find(reference: ImageReference, platform: Platform = .host) -> StoredImage? {
        if let id = id(of: ImageName(reference)) {
            if let image = record(id) ?? index(id)?.image(for: platform) { return image }
        }
        guard let digest = reference.digest else { return nil }
        func isWanted(_ image: StoredImage) -> Bool { image.manifest.digest == digest || image.id == digest }
        if let tag = reference.tag {
            guard let name = ImageName(full: "\(reference.registry)/\(reference.repository):\(tag)"),
                let image = id(of: name).flatMap({ record($0) })
            else { return nil }
            return isWanted(image) ? image : nil
        }
        // Only a digest without a tag, which no file is named after, is looked for among all names.
        return ((try? allNames()) ?? []).lazy
            .filter {
                $0.name.reference.registry == reference.registry && $0.name.reference.repository == reference.repository
            }
            .compactMap { self.record($0.id) }.first(where: isWanted)
    }

    /// The image that a user means: by name, by name and digest, by ID, or by the start of an ID.
    ///
    /// - Throws: `ImageError.notFound` with names that look similar, or `.ambiguous`.
    public func find(_ text: String) throws -> StoredImage {
        let isDigest = text.hasPrefix("sha256:")
        let prefix = isDigest ? String(text.dropFirst("sha256:".count)) : text
        if let id = Digest(hex: prefix), let image = record(id) { return image }
        if !isDigest, let reference = try? ImageReference(parsing: text), let image = find(reference: reference) {
            return image
        }
        if !prefix.isEmpty, prefix.utf8.count < 64, prefix.utf8.allSatisfy(ImageStore.isHexadecimal) {
            let matches = try imageIDs().filter { $0.hex.hasPrefix(prefix) }.compactMap { record($0) }
            if matches.count > 1 { throw ImageError.ambiguous(text, candidates: matches.map(\.id).sorted()) }
            if let match = matches.first { return match }
        }
        throw ImageError.notFound(text, similar: try similarNames(text))
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    /// Up to three names that differ little from what was typed, nearest first.
    private func similarNames(_ text: String) throws -> [String] {
        let wanted = Array((try? ImageReference(parsing: text))?.familiar.utf8 ?? text.utf8)
        guard wanted.count <= 255 else { return [] }
        let limit = max(2, wanted.count / 4)
        let candidates: [(distance: Int, name: String)] = try allNames().compactMap { entry in
            let name = entry.name.reference.familiar
            let repository = entry.name.reference.familiarRepository
            if (try? ImageReference(parsing: text))?.familiarRepository == repository { return (0, name) }
            let distance = SpellingSuggestion.distance(wanted, Array(name.utf8))
            return distance <= limit ? (distance, name) : nil
        }
        return candidates.sorted { $0 < $1 }.prefix(3).map(\.name)
    }
}
