internal import BuildCache
internal import ContentStore
internal import Layers
internal import OCI

/// The result of one step as it is shared: a small manifest that never changes once it is there.
///
/// An OCI artifact (image specification 1.1, "Guidelines for Artifact Usage"): its first layer is the layer that the step
/// made, the second one what that holds; its annotations are the record with the named inputs of the key.
struct CacheEntry {
    let record: CacheRecord
    let layer: CacheRecord.LayerResult
    /// The layer, compressed.
    let blob: Descriptor
    /// What the layer holds.
    let index: Descriptor?

    init(_ record: CacheRecord, _ layer: CacheRecord.LayerResult, blob: Descriptor, index: Descriptor? = nil) {
        self.record = record
        self.layer = layer
        self.blob = blob
        self.index = index
    }

    /// Why what was found is not taken.
    enum Defect: Error, CustomStringConvertible {
        case malformed
        /// It stands under a key that its inputs do not have.
        case otherInputs

        var description: String {
            switch self {
            case .malformed: "an unreadable entry"
            case .otherInputs: "an entry under the key of another step"
            }
        }
    }

    static let artifactType = MediaType(rawValue: "application/vnd.swiftbuild.cache.step.v1+json")
    /// The configuration of an artifact that has none: `{}`.
    static let emptyConfiguration = MediaType(rawValue: "application/vnd.oci.empty.v1+json")
    static let emptyBytes = Array("{}".utf8)
    static let emptyDescriptor = Descriptor(
        mediaType: emptyConfiguration,
        digest: SHA256Hasher.digest(of: emptyBytes),
        size: Int64(emptyBytes.count)
    )

    private enum Name {
        static let instruction = "dev.swiftbuild.cache.instruction"
        static let created = "dev.swiftbuild.cache.created"
        static let diffID = "dev.swiftbuild.cache.diff-id"
        static let tarSize = "dev.swiftbuild.cache.tar-size"
        /// The key that leads here, where it is not the step's own.
        static let alias = "dev.swiftbuild.cache.alias"
        /// Followed by the position in four digits, a dot and the input's name.
        static let input = "dev.swiftbuild.cache.input."
    }

    /// The manifest for a key, whose configuration is a blob that has to be there as well.
    func manifest(under key: Digest) -> Manifest {
        var annotations = [Name.instruction: record.instruction, Name.created: String(record.created)]
        for (position, input) in record.key.inputs.enumerated() {
            let number = String(position)
            let digits = String(repeating: "0", count: max(4 - number.utf8.count, 0)) + number
            annotations["\(Name.input)\(digits).\(input.name)"] = input.value
        }
        if key != record.key.digest { annotations[Name.alias] = key.hex }
        var blob = blob
        let place = [Name.diffID: "\(layer.diffID)", Name.tarSize: String(layer.tarSize)]
        blob.annotations = place.merging(ChunkAnnotations.of(blob) ?? [:]) { own, _ in own }
        var manifest = Manifest(
            config: CacheEntry.emptyDescriptor,
            layers: [blob] + (index.map { [$0] } ?? []),
            annotations: annotations
        )
        manifest.artifactType = CacheEntry.artifactType
        return manifest
    }

    /// Reads what was found under a key, which may be anything.
    init(decoding bytes: [UInt8], under key: Digest) throws(Defect) {
        let manifest = try? CanonicalJSON.decode(Manifest.self, from: bytes)
        let others = [CacheListing.artifactType, SharedLayerIndex.artifactType]
        if let type = manifest?.artifactType, others.contains(type) { throw .otherInputs }
        guard let manifest, manifest.artifactType == CacheEntry.artifactType, !manifest.layers.isEmpty,
            let annotations = manifest.annotations, let instruction = annotations[Name.instruction],
            let created = annotations[Name.created].flatMap({ Int64($0) }),
            let diffID = manifest.layers[0].annotations?[Name.diffID].flatMap({ try? Digest(parsing: $0) }),
            let tarSize = manifest.layers[0].annotations?[Name.tarSize].flatMap({ Int64($0) }), tarSize >= 0,
            manifest.layers[0].size >= 0
        else { throw .malformed }
        // By bytes: as strings, names that differ only in their Unicode form would be equal.
        let inputs = annotations.filter { $0.key.hasPrefix(Name.input) }
            .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            .map { ($0.key.utf8.dropFirst(Name.input.utf8.count + 5), $0.value) }
            .map { NamedInput(String(decoding: $0, as: UTF8.self), $1) }
        let own = StepKey(inputs)
        guard own.digest == key || annotations[Name.alias] == key.hex else { throw .otherInputs }
        layer = CacheRecord.LayerResult(diffID: diffID, tarSize: tarSize)
        blob = manifest.layers[0]
        index = manifest.layers.dropFirst().first(where: SharedLayerIndex.isOne)
        record = CacheRecord(key: own, instruction: instruction, layer: layer, created: created)
    }
}
