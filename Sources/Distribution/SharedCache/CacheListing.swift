internal import BuildCache
internal import ContentStore
internal import OCI

/// What builds of one definition have kept in a place, so that the next one needs a single request for all its look-ups.
///
/// An OCI artifact without content of its own: its annotations are the manifests of the entries, by their keys, and what
/// the latest build said of itself. Unlike the entries it is written again by later builds; of two at once the last one
/// counts, and nothing is lost but time.
struct CacheListing {
    var manifests: [Digest: [UInt8]]
    let build: [UInt8]
    /// Manifests and configurations of the bases, so that a registry need only be asked whether they are still those.
    var documents: [Digest: [UInt8]] = [:]
    /// What it was found under.
    var definition: Digest?

    static let artifactType = MediaType(rawValue: "application/vnd.swiftbuild.cache.build.v1+json")
    /// What earlier builds have kept is listed up to this size, in bytes.
    static let usualSize = 512 << 10
    /// The largest document that is listed, in bytes.
    static let documentLimit = 64 << 10

    private enum Name {
        static let definition = "dev.swiftbuild.cache.definition"
        static let build = "dev.swiftbuild.cache.build"
        /// Followed by the key.
        static let entry = "dev.swiftbuild.cache.entry."
        /// Followed by the digest.
        static let document = "dev.swiftbuild.cache.document."
    }

    init(_ manifests: [Digest: [UInt8]], build: [UInt8]) {
        self.manifests = manifests
        self.build = build
    }

    var size: Int { (Array(manifests.values) + documents.values).reduce(build.count) { $0 + $1.count } }

    func manifest(under definition: Digest) -> Manifest {
        var annotations = [Name.definition: definition.hex, Name.build: String(decoding: build, as: UTF8.self)]
        for (key, bytes) in manifests { annotations[Name.entry + key.hex] = String(decoding: bytes, as: UTF8.self) }
        for (digest, bytes) in documents {
            annotations[Name.document + digest.hex] = String(decoding: bytes, as: UTF8.self)
        }
        var manifest = Manifest(
            config: CacheEntry.emptyDescriptor,
            layers: [CacheEntry.emptyDescriptor],
            annotations: annotations
        )
        manifest.artifactType = CacheListing.artifactType
        return manifest
    }

    /// Reads what was found under a definition; `nil` for anything else.
    ///
    /// The entries are verified when they are looked up, the documents here.
    init?(decoding bytes: [UInt8], under definition: Digest) {
        guard let manifest = try? CanonicalJSON.decode(Manifest.self, from: bytes),
            manifest.artifactType == CacheListing.artifactType, let annotations = manifest.annotations,
            annotations[Name.definition] == definition.hex, let build = annotations[Name.build]
        else { return nil }
        self.init([:], build: Array(build.utf8))
        self.definition = definition
        for (name, value) in annotations {
            if name.hasPrefix(Name.entry), let key = Digest(hex: name.dropFirst(Name.entry.count)) {
                manifests[key] = Array(value.utf8)
            } else if name.hasPrefix(Name.document), let digest = Digest(hex: name.dropFirst(Name.document.count)),
                SHA256Hasher.digest(of: Array(value.utf8)) == digest
            {
                documents[digest] = Array(value.utf8)
            }
        }
    }
}
