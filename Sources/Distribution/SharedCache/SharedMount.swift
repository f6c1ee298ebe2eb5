internal import BuildCache
internal import ContentStore
internal import Layers
internal import OCI

/// What a directory of `RUN --mount=type=cache` held, as it is shared: an OCI artifact whose layers are those of the
/// directory, the lowest first.
///
/// Unlike entries of steps it is written again when the directory changes; of two builds at once the last one counts.
struct SharedMount {
    /// A layer and the blob that stands for it.
    struct Part: Equatable {
        let layer: CacheRecord.LayerResult
        let blob: Descriptor
    }

    let parts: [Part]

    static let artifactType = MediaType(rawValue: "application/vnd.swiftbuild.cache.mount.v1+json")
    /// More than are ever written; those of strangers have no more either.
    private static let partLimit = 64

    private enum Name {
        static let mount = "dev.swiftbuild.cache.mount"
        static let scope = "dev.swiftbuild.cache.scope"
        static let diffID = "dev.swiftbuild.cache.diff-id"
        static let tarSize = "dev.swiftbuild.cache.tar-size"
    }

    /// What the directory of a mount is found under.
    static func key(_ identity: String, scope: String) -> Digest {
        StepKey([NamedInput("cache mount", identity), NamedInput("scope", scope)]).digest
    }

    init(_ parts: [Part]) { self.parts = parts }

    func manifest(_ identity: String, scope: String) -> Manifest {
        let layers = parts.map { part in
            var blob = Descriptor(mediaType: part.blob.mediaType, digest: part.blob.digest, size: part.blob.size)
            blob.annotations = [Name.diffID: "\(part.layer.diffID)", Name.tarSize: String(part.layer.tarSize)]
            return blob
        }
        var manifest = Manifest(
            config: CacheEntry.emptyDescriptor,
            layers: layers,
            annotations: [Name.mount: identity, Name.scope: scope]
        )
        manifest.artifactType = SharedMount.artifactType
        return manifest
    }

    /// Reads what was found under the key of a mount, which may be anything.
    init(decoding bytes: [UInt8], _ identity: String, scope: String) throws(CacheEntry.Defect) {
        guard let manifest = try? CanonicalJSON.decode(Manifest.self, from: bytes),
            manifest.artifactType == SharedMount.artifactType, let annotations = manifest.annotations,
            (1...SharedMount.partLimit).contains(manifest.layers.count)
        else { throw .malformed }
        guard annotations[Name.mount] == identity, annotations[Name.scope] == scope else { throw .otherInputs }
        parts = try manifest.layers.map { blob throws(CacheEntry.Defect) in
            guard let diffID = blob.annotations?[Name.diffID].flatMap({ try? Digest(parsing: $0) }), blob.size >= 0,
                let tarSize = blob.annotations?[Name.tarSize].flatMap({ Int64($0) }), (0...(1 << 50)).contains(tarSize)
            else { throw .malformed }
            return Part(layer: CacheRecord.LayerResult(diffID: diffID, tarSize: tarSize), blob: blob)
        }
    }
}
