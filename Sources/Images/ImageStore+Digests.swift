internal import ContentStore
public import OCI

/// Names that say what they lead to.
extension ImageStore {
    /// Makes sure that a new image may have a name: one with a digest is for what has that digest,
    /// which is not known before, and an ID is not a name.
    ///
    /// - Throws: `ImageError.refusedName`.
    public static func check(newName name: ImageReference) throws {
        guard name.digest == nil else {
            throw ImageError.refusedName(name.familiar, reason: "a digest cannot be used as a name")
        }
        try refuseID(name)
    }

    /// Makes sure that a name may lead to an image or an index, wherever the name comes from.
    ///
    /// - Throws: `ImageError.refusedName`.
    func check(_ name: ImageReference, for content: NamedContent) throws {
        try ImageStore.refuseID(name)
        guard let digest = name.digest, !isContent(content.document, digest) else { return }
        throw ImageError.refusedName(
            name.familiar,
            reason: "the image has the digest \(content.document.digest)"
        )
    }

    private static func refuseID(_ name: ImageReference) throws {
        guard name.hasFormOfID else { return }
        throw ImageError.refusedName(name.familiar, reason: "it has the form of an image ID")
    }

    /// Whether a manifest is the one with this digest, or one that the index with this digest lists.
    ///
    /// The index is read, and only believed if its content has the digest.
    public func isContent(_ manifest: Descriptor, _ digest: Digest) -> Bool {
        manifest.digest == digest || lists(digest, manifest.digest, depth: 0)
    }

    private func lists(_ index: Digest, _ manifest: Digest, depth: Int) -> Bool {
        guard depth < 4, store.blobs.size(index) ?? .max <= ImageStore.documentLimit,
            let bytes = try? store.blobs.read(index, limit: ImageStore.documentLimit),
            let document = try? ManifestDocument.index(bytes, mediaType: nil)
        else { return false }
        return document.manifests.contains { entry in
            entry.digest == manifest || (entry.mediaType.isIndex && lists(entry.digest, manifest, depth: depth + 1))
        }
    }
}
