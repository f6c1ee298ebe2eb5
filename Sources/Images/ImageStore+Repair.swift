public import ContentStore
internal import FileSystem
internal import OCI
internal import SystemPackage

/// What `doctor` asks of the images.
extension ImageStore {
    /// Counts the names that `index.json` has while their own file or the record of their image is lost.
    ///
    /// - Parameter restores: Whether both are made again, as far as the image's documents are there.
    public func lostNames(restoring restores: Bool) throws -> Int {
        // It is held while a name is removed.
        let lock = try namesLock()
        defer { withExtendedLifetime(lock) {} }
        var lost: Set<ImageName> = []
        for (name, document) in LayoutIndex(self).documents() where !lost.contains(name) {
            guard let id = contentID(document), storedID(of: name) != id || named(id) == nil else { continue }
            // The file of a name is newer than the index where both are good.
            if let stored = storedID(of: name), stored != id, named(stored) != nil { continue }
            guard restores else {
                lost.insert(name)
                continue
            }
            guard try restore(id, document) else { continue }
            lost.insert(name)
            try FileOperations.removeTree(path(name))
            try FileOperations.writeAtomically(name.fileContent(id), to: path(name), temporary: store[.temporary])
        }
        return lost.count
    }

    /// Makes the record of an image again.
    ///
    /// - Returns: Whether there is one, or an index that needs none.
    private func restore(_ id: Digest, _ document: Descriptor) throws -> Bool {
        if named(id) != nil { return true }
        guard document.mediaType.isManifest, let bytes = try? store.blobs.read(document.digest),
            let image = try? prepare(manifest: bytes, mediaType: document.mediaType)
        else { return false }
        try FileOperations.removeTree(recordPath(id))
        try FileOperations.writeAtomically(ImageRecord.encode(image), to: recordPath(id), temporary: store[.temporary])
        return true
    }

    /// Whether a file among the names is one.
    public func isName(_ entry: StoreEntry) -> Bool {
        (try? FileOperations.readRegular(entry.path, limit: 1024))
            .flatMap { ImageName.parse(fileName: entry.name, content: $0) } != nil
    }

    /// Whether `index.json` can be read, if there is one.
    public var isLayoutIndexWhole: Bool { LayoutIndex(self).isWhole }
}
