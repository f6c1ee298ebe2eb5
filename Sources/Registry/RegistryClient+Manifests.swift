internal import ContentStore
internal import HTTPTransport
public import OCI

/// What a manifest is asked for by.
public enum ManifestKey: Sendable, Hashable {
    case tag(String)
    case digest(Digest)

    /// The digest of a reference, else its tag.
    public init(_ reference: ImageReference) {
        self = reference.digest.map { .digest($0) } ?? .tag(reference.tag ?? "latest")
    }

    var text: String {
        switch self {
        case .tag(let tag): tag
        case .digest(let digest): "\(digest)"
        }
    }
}

/// A manifest or an index, byte for byte as the registry has it.
public struct RemoteManifest: Sendable {
    public let mediaType: MediaType
    public let digest: Digest
    public let bytes: [UInt8]

    public init(mediaType: MediaType, bytes: [UInt8]) {
        self.mediaType = mediaType
        digest = SHA256Hasher.digest(of: bytes)
        self.bytes = bytes
    }

    public var descriptor: Descriptor {
        Descriptor(mediaType: mediaType, digest: digest, size: Int64(bytes.count))
    }
}

extension RegistryClient {
    /// The largest manifest that is read, as registries themselves have it.
    private static let manifestLimit = 4 << 20

    private static let accepted = [
        MediaType.imageIndex, .imageManifest, .dockerManifestList, .dockerManifest,
    ].map(\.rawValue).joined(separator: ", ")

    /// Fetches a manifest or an index.
    ///
    /// - Throws: `RegistryError`; a digest that differs from the one asked for is one.
    public func manifest(_ key: ManifestKey, in repository: String) async throws -> RemoteManifest {
        let subject = manifestSubject(key, repository, [.pull])
        let address = try await address(repository, "manifests/\(key.text)", subject)
        let (response, bytes) = try await document(
            HTTPRequest(.get, address, fields: ["Accept": RegistryClient.accepted]),
            subject,
            limit: RegistryClient.manifestLimit
        )
        // Before anything is made of the bytes.
        if case .digest(let expected) = key, expected != SHA256Hasher.digest(of: bytes) {
            throw error(.wrongDigest(expected: expected), subject)
        }
        do throws(RemoteManifest.Malformed) {
            let type = try RemoteManifest.mediaType(of: bytes, response.fields["Content-Type"])
            return RemoteManifest(mediaType: type, bytes: bytes)
        } catch {
            throw self.error(.malformed(error.reason), subject)
        }
    }

    /// The digest that a tag has now, without fetching what it names; `nil` where the tag is missing or the registry
    /// does not say.
    public func digest(ofTag tag: String, in repository: String) async throws -> Digest? {
        let subject = manifestSubject(.tag(tag), repository, [.pull])
        let address = try await address(repository, "manifests/\(tag)", subject)
        let response = try await send(
            HTTPRequest(.head, address, fields: ["Accept": RegistryClient.accepted]),
            subject
        )
        guard response.isSuccess else {
            if [404, 405].contains(response.status) { return nil }
            throw await RegistryError(response, host: endpoint.host, subject: subject.text)
        }
        return response.fields["Docker-Content-Digest"].flatMap { try? Digest(parsing: $0) }
    }

    /// Stores a manifest or an index, whose blobs or manifests must be there.
    public func put(_ manifest: RemoteManifest, as key: ManifestKey, in repository: String) async throws {
        let subject = manifestSubject(key, repository, [.pull, .push])
        let address = try await address(repository, "manifests/\(key.text)", subject)
        let request = HTTPRequest(
            .put,
            address,
            fields: ["Content-Type": manifest.mediaType.rawValue],
            body: .bytes(manifest.bytes)
        )
        let response = try await succeed(request, subject)
        if let text = response.fields["Docker-Content-Digest"], let stored = try? Digest(parsing: text),
            stored != manifest.digest
        {
            throw error(.wrongDigest(expected: manifest.digest), subject)
        }
    }

    func manifestSubject(_ key: ManifestKey, _ repository: String, _ access: Set<TokenScope.Access>) -> Subject {
        Subject(repository: repository, access: access, text: "manifest `\(key.text)` of `\(repository)`")
    }
}

extension RemoteManifest {
    /// Why bytes are no manifest and no index.
    fileprivate struct Malformed: Error {
        let reason: String
    }

    /// A document that was kept since it came from a registry; `nil` where that is not one that says what it is.
    public init?(kept bytes: [UInt8]) {
        guard let type = try? RemoteManifest.mediaType(of: bytes, nil) else { return nil }
        self.init(mediaType: type, bytes: bytes)
    }

    /// What the document says of itself wins over the field, which some servers set to plain JSON; one that could be
    /// read both ways is refused (CVE-2021-41190).
    fileprivate static func mediaType(of bytes: [UInt8], _ field: String?) throws(Malformed) -> MediaType {
        struct Shape: Decodable {
            struct Anything: Decodable {}
            let mediaType: String?
            let schemaVersion: Int?
            let manifests: Anything?
            let layers: Anything?
            let config: Anything?

            private enum CodingKeys: String, CodingKey { case mediaType, schemaVersion, manifests, layers, config }

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                mediaType = try container.decodeIfPresent(String.self, forKey: .mediaType)
                schemaVersion = try container.decodeIfPresent(Int.self, forKey: .schemaVersion)
                manifests = container.contains(.manifests) ? Anything() : nil
                layers = container.contains(.layers) ? Anything() : nil
                config = container.contains(.config) ? Anything() : nil
            }
        }
        guard let shape = try? CanonicalJSON.decode(Shape.self, from: bytes) else {
            throw Malformed(reason: "it is not a JSON object")
        }
        guard shape.schemaVersion != 1 else {
            throw Malformed(reason: "it has schema version 1, which is too old")
        }
        let isIndex = shape.manifests != nil
        guard isIndex != (shape.layers != nil || shape.config != nil) else {
            throw Malformed(reason: isIndex ? "it is an index and a manifest at once" : "it is not a manifest")
        }
        let sent = field.map { MediaType(rawValue: String($0.prefix { $0 != ";" })) }
        let own = shape.mediaType.map { MediaType(rawValue: $0) }
        for type in [own, sent].compactMap({ $0 }) where type.isIndex || type.isManifest {
            guard type.isIndex == isIndex else {
                throw Malformed(reason: "its media type is `\(type)`, but its content has another")
            }
            return type
        }
        return isIndex ? .imageIndex : .imageManifest
    }
}
