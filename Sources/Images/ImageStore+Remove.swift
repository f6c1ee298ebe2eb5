internal import ContentStore
internal import FileSystem
public import OCI

/// One thing that removing an image did, printed as Docker prints it.
public enum ImageRemoval: Sendable, Hashable, CustomStringConvertible {
    case untagged(ImageReference)
    case deleted(Digest)

    /// The line that Docker prints.
    public var description: String {
        switch self {
        case .untagged(let name): "Untagged: \(name.familiar)"
        case .deleted(let id): "Deleted: \(id)"
        }
    }
}

extension ImageStore {
    /// Removes what a user means: a name, and the image or index with its last name; or by ID the image with its name.
    ///
    /// An image of an index only loses its names.
    ///
    /// The blobs stay until `prune`, since layers are shared and builds use them as cache.
    ///
    /// - Parameter force: Whether an ID may stand for an image with several names.
    /// - Returns: What was done, in order.
    /// - Throws: `ImageError.notFound`, `.ambiguous`, `.severalNames`, `.inIndex`, or `SystemError`.
    @discardableResult
    public func remove(_ text: String, force: Bool = false) throws -> [ImageRemoval] {
        let lock = try namesLock()
        defer { withExtendedLifetime(lock) {} }
        if let index = try findIndex(text) {
            let typed = (try? ImageReference(parsing: text)).map { [$0] } ?? []
            let gone = typed.isEmpty || !index.names.contains(typed[0]) ? index.names : typed
            try setNames(gone.map { (ImageName($0), nil) }, LayoutIndex(self))
            let (isLast, digest) = (gone.count == index.names.count, index.index.descriptor.digest)
            return noted(gone.map { .untagged($0) } + (isLast ? [.deleted(digest)] : []), of: digest)
        }
        let image = try find(text)
        let indexes = try self.indexes().filter { $0.index.images.contains { $0.id == image.id } }
        let names = try allNames(of: image.id).map(\.name)
        if let name = typedName(text, image), names.contains(name) {
            let isLast = names.allSatisfy { $0 == name }
            let removed = try remove([name], of: image, isDeleted: isLast && indexes.isEmpty)
            try forgetDigests(of: image.id)
            return removed
        }
        guard indexes.isEmpty else {
            throw ImageError.inIndex(image.id, names: indexes.flatMap(\.names).map(\.familiar))
        }
        guard names.count <= 1 || force else {
            throw ImageError.severalNames(image.id, names: names.map(\.reference.familiar))
        }
        return try remove(names, of: image, isDeleted: true)
    }

    /// The name that a text stands for, if that is how the image was found.
    private func typedName(_ text: String, _ image: StoredImage) -> ImageName? {
        guard let reference = try? ImageReference(parsing: text) else { return nil }
        var candidates = [ImageName(reference)]
        if reference.digest != nil, let tag = reference.tag,
            let name = ImageName(full: "\(reference.registry)/\(reference.repository):\(tag)")
        {
            candidates.append(name)
        }
        return candidates.first { id(of: $0) == image.id }
    }

    private func remove(_ names: [ImageName], of image: StoredImage, isDeleted: Bool) throws -> [ImageRemoval] {
        // Names first: a name must never lead nowhere.
        if !names.isEmpty { try setNames(names.map { ($0, nil) }, LayoutIndex(self)) }
        var result = names.map { ImageRemoval.untagged($0.reference) }
        if isDeleted {
            try FileOperations.remove(recordPath(image.id))
            result.append(.deleted(image.id))
        }
        return noted(result, of: image.id)
    }

    /// Adds the events of what was done.
    private func noted(_ removals: [ImageRemoval], of id: Digest) -> [ImageRemoval] {
        for removal in removals {
            switch removal {
            case .untagged: note("untag", id)
            case .deleted: note("delete", id)
            }
        }
        return removals
    }

    /// Forgets what registries call an image where it has no name in their repository any more, as Docker does.
    private func forgetDigests(of id: Digest) throws {
        guard let known = record(id), !known.registryDigests.isEmpty else { return }
        let repositories = Set(try allNames(of: id).map(\.name.reference.familiarRepository))
        var image = known
        image.registryDigests.removeAll { !repositories.contains($0.familiarRepository) }
        try replace(known, by: image)
    }
}
