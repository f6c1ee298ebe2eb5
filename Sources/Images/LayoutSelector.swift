public import OCI

/// Which image of a layout or an archive.
public enum LayoutSelector: Sendable {
    /// The only one, or the one called `latest`.
    case only
    /// By a tag, alone or as the end of a name, or by a whole name.
    case tag(String)
    case digest(Digest)

    /// The image that is meant, if there is one.
    func choose<Image>(_ images: [Image], names: (Image) -> [String], digest: (Image) -> Digest?) -> Image? {
        switch self {
        case .digest(let wanted): images.first { digest($0) == wanted }
        case .tag(let tag): images.first { image in names(image).contains { LayoutSelector.isMeant($0, by: tag) } }
        case .only:
            images.first { image in names(image).contains { LayoutSelector.isMeant($0, by: "latest") } }
                ?? (images.count == 1 ? images[0] : nil)
        }
    }

    private static func isMeant(_ name: String, by text: String) -> Bool {
        if name == text || name.hasSuffix(":" + text) { return true }
        guard text.contains(where: { $0 == ":" || $0 == "/" }), let full = try? ImageReference(parsing: name) else {
            return false
        }
        return full == (try? ImageReference(parsing: text))
    }

    func failure(_ archive: String, available: [String]) -> ImageError {
        let wanted: String? =
            switch self {
            case .only: nil
            case .tag(let tag): tag
            case .digest(let digest): "\(digest)"
            }
        return .notInArchive(wanted, archive: archive, available: available)
    }
}
