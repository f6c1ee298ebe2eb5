internal import ContentStore
internal import FileSystem
internal import Glibc
internal import Layers
internal import OCI
public import SystemPackage
internal import Tar

/// The form of a saved image.
public enum ImageArchiveFormat: String, Sendable, CaseIterable {
    /// An OCI image layout.
    case oci
    /// What `docker load` reads; it is an OCI image layout too, as with newer versions of `docker save`.
    case docker
}

extension ImageStore {
    /// Writes images as one tar archive: the documents at the top first, then every blob once.
    ///
    /// The same images give the same bytes. A file is written aside and renamed. In an OCI layout all manifests have
    /// OCI media types, since other tools read nothing else there.
    ///
    /// - Parameters:
    ///   - images: Each with the names that it has in the archive.
    ///   - path: `-` is standard output.
    public func save(_ images: [ListedImage], as format: ImageArchiveFormat, to path: FilePath) throws {
        let lock = try store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        let saved = try SavedImages(self, images, format == .oci ? .oci : nil)
        try OutputFile.write(path) { sink in
            let tar = TarWriter(sink: sink)
            func directory(_ name: String) throws { try tar.writeHeader(.directory(PathInRoot(name))) }
            func document(_ name: String, _ bytes: [UInt8]) throws {
                try tar.writeHeader(
                    LayerEntry(path: PathInRoot(name), kind: .regular, permissions: 0o644, size: Int64(bytes.count))
                )
                try bytes.withUnsafeBytes { try tar.write($0) }
                try tar.finishContent()
            }
            try document("oci-layout", SavedImages.layoutMarker)
            try document("index.json", try CanonicalJSON.encode(saved.index))
            if format == .docker { try document("manifest.json", try CanonicalJSON.encode(saved.dockerManifests)) }
            try directory("blobs")
            try directory("blobs/sha256")
            for blob in saved.blobs {
                let source = try SavedImages.open(blob, store)
                let entry = LayerEntry(
                    path: PathInRoot("blobs/sha256/\(blob.digest.hex)"),
                    kind: .regular,
                    permissions: 0o644,
                    size: blob.size
                )
                try tar.writeHeader(entry)
                let path = store.blobs.path(blob.digest)
                try tar.copy(descriptor: source.rawValue, offset: 0, size: blob.size, path: path)
                try tar.finishContent()
            }
            try tar.finish()
        }
    }

    /// Writes images into an OCI layout directory, beside images that are there already.
    ///
    /// Blobs are reflinks or hard links of the store's where the filesystem allows it, else copies.
    ///
    /// - Parameter directory: It is made when it is missing; a name that it has already moves to the new image.
    public func save(_ images: [ListedImage], toLayout directory: FilePath) throws {
        let lock = try store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        let saved = try SavedImages(self, images, .oci)
        let blobs = directory.appending("blobs").appending("sha256")
        try FileOperations.createDirectories(blobs)
        for blob in saved.blobs {
            try SavedImages.place(blob, store, at: blobs.appending(blob.digest.hex), temporary: directory)
        }
        try FileOperations.writeAtomically(
            SavedImages.layoutMarker,
            to: directory.appending("oci-layout"),
            temporary: directory
        )
        let indexPath = directory.appending("index.json")
        var index = saved.index
        if FileStatus.ifPresent(indexPath)?.kind == .regular {
            let old = try ManifestDocument.index(
                try FileOperations.read(indexPath, limit: ImageStore.documentLimit),
                mediaType: nil
            )
            index.manifests = old.manifests.filter { !saved.replaces($0) } + index.manifests
        }
        try FileOperations.writeAtomically(try CanonicalJSON.encode(index), to: indexPath, temporary: directory)
    }
}

/// What an archive of some images holds.
private struct SavedImages {
    var index = ImageIndex(manifests: [])
    var dockerManifests: [DockerArchiveManifest] = []
    /// Each once, in the order of the images.
    var blobs: [Descriptor] = []

    static let layoutMarker = Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)

    /// - Parameter format: `nil` leaves each manifest in the one that it has.
    init(_ store: ImageStore, _ images: [ListedImage], _ format: ImageFormat?) throws {
        var seen: Set<Digest> = []
        for listed in SavedImages.merged(images) {
            let content = try store.content(of: listed.image)
            var manifest = listed.image.manifest
            if let format, manifest.mediaType.format != format {
                let bytes = try CanonicalJSON.encode(content.manifest.converted(to: format))
                // `prune` takes it away again.
                manifest.digest = try store.store.blobs.write(bytes)
                manifest.size = Int64(bytes.count)
                manifest.mediaType = manifest.mediaType.form(in: format)
            }
            for blob in [manifest, content.manifest.config] + content.manifest.layers
            where seen.insert(blob.digest).inserted {
                blobs.append(blob)
            }
            // No tool takes a name with a digest out of an archive.
            let names = listed.names.filter { $0.tag != nil && $0.digest == nil }
            let platform = listed.image.platform
            for name in names.isEmpty ? [nil] : names.map(Optional.some) {
                var descriptor = manifest
                descriptor.platform = platform
                var annotations = listed.annotations
                if let name {
                    annotations[Annotation.imageName] = ImageName(name).full
                    annotations[Annotation.referenceName] = name.familiar
                }
                if !annotations.isEmpty { descriptor.annotations = annotations }
                index.manifests.append(descriptor)
            }
            dockerManifests.append(
                DockerArchiveManifest(
                    Config: "blobs/sha256/\(listed.image.id.hex)",
                    RepoTags: names.isEmpty ? nil : names.map(\.familiar),
                    Layers: content.manifest.layers.map { "blobs/sha256/\($0.digest.hex)" }
                )
            )
        }
    }

    /// Each image once, with all names that it was given.
    private static func merged(_ images: [ListedImage]) -> [ListedImage] {
        var result: [ListedImage] = []
        for listed in images {
            let known = result.firstIndex { $0.image == listed.image && $0.annotations == listed.annotations }
            guard let known else {
                result.append(listed)
                continue
            }
            let names = result[known].names
            result[known] = ListedImage(
                image: listed.image,
                names: names + listed.names.filter { !names.contains($0) },
                annotations: listed.annotations
            )
        }
        return result
    }

    /// Whether a descriptor of a layout that exists gives way to one of these.
    func replaces(_ old: Descriptor) -> Bool {
        index.manifests.contains { new in
            let name = new.annotations?[Annotation.referenceName]
            return name == old.annotations?[Annotation.referenceName] && (name != nil || new.digest == old.digest)
        }
    }

    static func open(_ blob: Descriptor, _ store: Store) throws -> OwnedDescriptor {
        guard let size = store.blobs.size(blob.digest) else { throw ContentStoreError.missing(blob.digest) }
        guard size == blob.size else { throw ContentStoreError.damaged(blob.digest) }
        return try OwnedDescriptor(regularFile: store.blobs.path(blob.digest))
    }

    /// Puts a blob into another directory in the cheapest way that the filesystem has.
    static func place(_ blob: Descriptor, _ store: Store, at target: FilePath, temporary: FilePath) throws {
        let source = try open(blob, store)
        if holds(target, blob, store, temporary) { return }
        let file = try TemporaryFile(in: temporary)
        // FICLONE of linux/fs.h, a macro that Swift cannot import.
        if ioctl(file.descriptor, 0x4004_9409, source.rawValue) != 0 {
            let from = store.blobs.path(blob.digest)
            try FileOperations.remove(target)
            if from.withPlatformString({ old in target.withPlatformString { link(old, $0) } }) == 0 { return }
            let copied = try FileOperations.copySparsely(
                from: source.rawValue,
                offset: 0,
                size: blob.size,
                to: file.descriptor,
                path: target
            )
            guard copied == blob.size else { throw ContentStoreError.damaged(blob.digest) }
        }
        try file.replace(target)
    }

    /// Whether a file has the bytes of a blob already, be it by being the same file.
    private static func holds(_ target: FilePath, _ blob: Descriptor, _ store: Store, _ temporary: FilePath) -> Bool {
        guard let known = FileStatus.ifPresent(target), known.kind == .regular, known.size == blob.size else {
            return false
        }
        let own = FileStatus.ifPresent(store.blobs.path(blob.digest))
        if let own, own.device == known.device, own.inode == known.inode { return true }
        return BlobStore(directory: target.removingLastComponent(), temporary: temporary).verify(blob.digest)
    }
}
