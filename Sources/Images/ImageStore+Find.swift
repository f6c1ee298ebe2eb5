internal import ContentStore
public import OCI
internal import Reporting

extension ImageStore {
    /// The image that a reference names; for `FROM`, so it reads one name and one record and lists no directory.
    ///
    /// Of an index it is the image for `platform`. A digest is that of the manifest or of an index that lists it, whatever
    /// a name of the store says. What has the form of an ID is one.
    public func find(reference: ImageReference, platform: Platform = .host) -> StoredImage? {
        if reference.hasFormOfID {
            return Digest(
                hex: reference.familiarRepository == "sha256" ? reference.tag ?? "" : reference.familiarRepository
            )
            .flatMap { record($0) }
        }
        func image(_ name: ImageName) -> StoredImage? {
            guard let id = id(of: name) else { return nil }
            return record(id) ?? index(id)?.image(for: platform)
        }
        guard let digest = reference.digest else { return image(ImageName(reference)) }
        func isWanted(_ image: StoredImage) -> Bool { isContent(image.manifest, digest) }
        if let found = image(ImageName(reference)), isWanted(found) { return found }
        if let tag = reference.tag {
            return ImageName(full: "\(reference.registry)/\(reference.repository):\(tag)")
                .flatMap(image).flatMap { isWanted($0) ? $0 : nil }
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
