public import OCI
public import SystemPackage

/// What can go wrong with an image of the store, an image archive, or an output.
public enum ImageError: Error, Sendable, Equatable {
    /// No image has this name or ID; `similar` are names that the user may have meant.
    case notFound(String, similar: [String])
    /// An ID prefix that several images have.
    case ambiguous(String, candidates: [Digest])
    /// Removing by ID would take several names away at once.
    case severalNames(Digest, names: [String])
    /// The configuration and the manifest do not describe the same layers.
    case layersDiffer(String, manifest: Int, configuration: Int)
    /// A document of an image says something that cannot be.
    case malformed(String, reason: String)
    /// An archive or layout refers to something that it does not hold.
    case missingMember(String, archive: String)
    /// Bytes do not have the digest or the size by which they are referred to.
    case damagedMember(String, archive: String)
    /// An archive is neither an OCI layout nor a `docker save` archive.
    case unknownArchive(String)
    /// An archive of Docker before version 1.10, which had neither manifests nor digests.
    case oldArchive(String)
    /// An archive or layout has no such image; without a name, it has several or none.
    case notInArchive(String?, archive: String, available: [String])
    /// An index has images, but none for this machine.
    case noPlatform(Platform, available: [String])
    /// An archive or layout holds artifacts of these types, and no image.
    case onlyArtifacts(String, types: [String])
    /// Something is larger than what is sensible for it.
    case tooLarge(String, limit: Int64)
    /// An output option that does not exist or lacks its value.
    case invalidOutput(String, reason: String)
    /// An annotation that cannot be given.
    case invalidAnnotation(String, reason: String)
    /// A layer that is not in the registry but at an address of its owner, from where nothing is fetched.
    case foreignLayer(Digest)
    /// Several images of an index are for one platform.
    case samePlatform(Platform, [Digest])
    /// The image belongs to indexes, by their names.
    case inIndex(Digest, names: [String])
    /// A name that an image must not get.
    case refusedName(String, reason: String)
    /// An output must not be written there.
    case refusedDestination(FilePath, reason: String)
}

extension ImageError: CustomStringConvertible {
    /// One sentence that says what failed, on what, and why.
    public var description: String {
        switch self {
        case .notFound(let text, let similar):
            "no image `\(text.prefix(300))` in the store"
                + (similar.isEmpty ? "" : "; similar: \(similar.joined(separator: ", "))")
        case .ambiguous(let text, let candidates):
            "`\(text)` is the start of several image IDs: \(candidates.map(\.short).joined(separator: ", "))"
        case .severalNames(let id, let names):
            "image \(id.short) has several names (\(names.joined(separator: ", "))): remove it by name, or use force"
        case .layersDiffer(let image, let manifest, let configuration):
            "image \(image) is inconsistent: its manifest has \(manifest) layers, its configuration \(configuration)"
        case .malformed(let what, let reason): "\(what) is malformed: \(reason)"
        case .missingMember(let member, let archive): "\(archive) refers to `\(member)` but does not hold it"
        case .damagedMember(let member, let archive):
            "`\(member)` of \(archive) does not have the digest and size it should have"
        case .unknownArchive(let name): "\(name) is neither an OCI image layout nor a docker archive"
        case .oldArchive(let name):
            "\(name) was written by a Docker older than 1.10 and has no manifest: load it there, and save it with a newer one"
        case .notInArchive(let wanted, let archive, let available):
            (wanted.map { "\(archive) has no such image, `\($0)`" } ?? "\(archive) has more than one image, or none")
                + (available.isEmpty ? "" : "; it has \(available.joined(separator: ", "))")
        case .noPlatform(let platform, let available):
            "no image for \(platform) in the index"
                + (available.isEmpty ? "" : "; it has \(available.joined(separator: ", "))")
        case .onlyArtifacts(let archive, let types):
            "\(archive) contains no image, only other data in the same format"
                + (types.isEmpty ? "" : ": \(types.joined(separator: ", "))")
        case .tooLarge(let what, let limit): "\(what) is larger than \(limit) bytes"
        case .invalidOutput(let text, let reason): "invalid output `\(text)`: \(reason)"
        case .invalidAnnotation(let text, let reason): "invalid annotation `\(text)`: \(reason)"
        case .foreignLayer(let digest):
            "layer \(digest.short) is one that registries do not serve; nothing is fetched from other addresses"
        case .samePlatform(let platform, let images):
            "several images are for \(platform): \(images.map(\.short).joined(separator: ", "))"
        case .inIndex(let id, let names):
            "image \(id.short) belongs to \(names.joined(separator: ", ")): remove that first"
        case .refusedName(let name, let reason): "`\(name.prefix(300))` cannot be the name of an image: \(reason)"
        case .refusedDestination(let path, let reason): "cannot write the output `\(path)`: \(reason)"
        }
    }
}
