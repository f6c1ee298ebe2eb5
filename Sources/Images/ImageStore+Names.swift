internal import ContentStore
internal import FileSystem
internal import Glibc
public import OCI
internal import SystemPackage

extension ImageStore {
    /// Makes a name lead to an image, away from whatever it led to.
    ///
    /// A reference with a digest is a name too: it is how `name@sha256:…` of a pulled image is remembered.
    ///
    /// - Throws: `ImageError.notFound` when the image was removed, or `SystemError`.
    public func tag(_ image: StoredImage, as name: ImageReference) throws { try tag(image, as: [name]) }

    /// Makes several names lead to an image.
    ///
    /// - Throws: `ImageError.notFound` when the image was removed, or `SystemError`.
    public func tag(_ image: StoredImage, as names: [ImageReference]) throws {
        try name(image.id, names)
    }

    /// Makes names lead to an image or an index.
    func name(_ id: Digest, _ names: [ImageReference]) throws {
        let changed = names.map { ImageName($0) }.filter { storedID(of: $0) != id }
        guard !changed.isEmpty else { return }
        let lock = try namesLock()
        defer { withExtendedLifetime(lock) {} }
        guard let current = named(id) else { throw ImageError.notFound("\(id)", similar: []) }
        for name in changed { try check(name.reference, for: current) }
        try setNames(changed.map { ($0, current) }, LayoutIndex(self))
        for name in changed { note("tag", id, name: name.reference) }
    }

    /// When a name was given to what it means, or last found to mean it in its registry; seconds since 1970.
    public func confirmationTime(of name: ImageReference) -> Int64? {
        FileStatus.ifPresent(path(ImageName(name)))?.modifiedSeconds
    }

    /// Remembers that a name was found to mean in its registry what it means here.
    public func confirm(_ name: ImageReference) { FileOperations.touch(path(ImageName(name))) }

    /// Takes a name away; the image stays.
    ///
    /// - Returns: Whether there was such a name.
    @discardableResult
    public func untag(_ name: ImageReference) throws -> Bool {
        let lock = try namesLock()
        defer { withExtendedLifetime(lock) {} }
        let name = ImageName(name)
        guard let id = id(of: name) else { return false }
        try setNames([(name, nil)], LayoutIndex(self))
        note("untag", id)
        return true
    }

    /// Writes `index.json` anew from the names and records that there are.
    public func rebuildIndex() throws {
        let lock = try namesLock()
        defer { withExtendedLifetime(lock) {} }
        try LayoutIndex(self).rebuild()
    }

    /// The names of an image, tags first, sorted.
    public func names(of image: StoredImage) throws -> [ImageReference] {
        try allNames(of: image.id).map(\.name.reference)
    }

    /// All images with their names, newest first; images without a name are included.
    public func list() throws -> [ListedImage] {
        var names: [Digest: [ImageReference]] = [:]
        for (name, id) in try allNames() { names[id, default: []].append(name.reference) }
        return try imageIDs().compactMap { record($0) }
            .map { (seconds: $0.created?.secondsSinceEpoch ?? .min, image: $0) }
            .sorted { ($0.seconds, $1.image.id) > ($1.seconds, $0.image.id) }
            .map { ListedImage(image: $0.image, names: names[$0.image.id] ?? []) }
    }

    /// When a name was last given to an image; `nil` for an image without one.
    public func lastTagged(_ names: [ImageReference]) -> Timestamp? {
        names.compactMap { FileStatus.ifPresent(path(ImageName($0)))?.modified }.max()
            .map { Timestamp(nanosecondsSinceEpoch: $0) }
    }

    /// All names with the IDs they hold, sorted; files that are not names are skipped.
    ///
    /// - Parameter id: If it is given, only those that hold this ID; the others are not even parsed.
    func allNames(of id: Digest? = nil) throws -> [(name: ImageName, id: Digest)] {
        let wanted = id.map { Array("\($0)\n".utf8) } ?? []
        // Who only looks may look at a store that was never made.
        guard FileStatus.ifPresent(store[.names]) != nil else { return [] }
        let directory = try OwnedDescriptor(store[.names], O_RDONLY | O_DIRECTORY)
        var buffer = [UInt8](repeating: 0, count: 1024)
        return try FileOperations.names(inDirectory: directory.rawValue, path: store[.names])
            .compactMap { fileName in
                let descriptor = openat(
                    directory.rawValue,
                    fileName.map { CChar(bitPattern: $0) } + [0],
                    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
                )
                guard let file = OwnedDescriptor(descriptor) else { return nil }
                let count = buffer.withUnsafeMutableBytes { read(file.rawValue, $0.baseAddress, $0.count) }
                guard count > 0, buffer.starts(with: wanted) else { return nil }
                return ImageName.parse(fileName: fileName, content: Array(buffer[..<count]))
            }
            .sorted { $0.name < $1.name }
    }

    /// The IDs of all records, good or bad.
    func imageIDs() throws -> [Digest] {
        guard FileStatus.ifPresent(store[.images]) != nil else { return [] }
        return try FileOperations.names(in: store[.images]).compactMap {
            Digest(hex: String(decoding: $0, as: UTF8.self))
        }
    }

    /// The ID that a name holds; of a name whose file is lost, what `index.json` says.
    func id(of name: ImageName) -> Digest? {
        storedID(of: name) ?? LayoutIndex(self).document(of: name).flatMap(contentID)
    }

    /// The ID of an image by its manifest, or of an index by itself.
    func contentID(_ document: Descriptor) -> Digest? {
        if document.mediaType.isIndex { return document.digest }
        return (try? store.blobs.read(document.digest, limit: ImageStore.documentLimit))
            .flatMap { try? ManifestDocument.manifest($0, mediaType: document.mediaType) }?.config.digest
    }

    /// The ID that the file of a name holds.
    func storedID(of name: ImageName) -> Digest? {
        guard let bytes = try? FileOperations.readRegular(path(name), limit: 1024),
            let parsed = ImageName.parse(fileName: Array(name.fileName.utf8), content: bytes), parsed.name == name
        else { return nil }
        return parsed.id
    }

    func path(_ name: ImageName) -> FilePath { store[.names].appending(name.fileName) }

    /// Held while changing names, records, or the index that is derived from them.
    func namesLock() throws -> FileLock {
        try FileLock.acquire(store[.locks].appending("index"), .exclusive)
    }

    /// Sets or removes names and brings `index.json` up to date; the names lock must be held.
    func setNames(_ changes: [(name: ImageName, content: NamedContent?)], _ index: LayoutIndex) throws {
        let wasCurrent = index.isCurrent
        try index.invalidate()
        for (name, content) in changes {
            if let content {
                try FileOperations.writeAtomically(
                    name.fileContent(content.id),
                    to: path(name),
                    temporary: store[.temporary]
                )
            } else {
                try FileOperations.remove(path(name))
            }
        }
        if wasCurrent { try index.update(changes) } else { try index.rebuild() }
    }
}
