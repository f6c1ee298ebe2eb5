internal import HTTPTransport
public import OCI
internal import RemoteAddresses

/// Manifests that say something about other ones (distribution specification 1.1, "Listing Referrers").
extension RegistryClient {
    /// What there is of one type about a manifest; nothing where that is unknown.
    ///
    /// A registry that does not know the question is asked for a tag of the digest instead, and not again by this process.
    ///
    /// - Throws: `RegistryError`, `CancellationError`.
    public func referrers(of digest: Digest, type: MediaType, in repository: String) async throws -> [Descriptor] {
        var found: ImageIndex?
        if !blobs.knowsNoReferrers {
            let subject = Subject(
                repository: repository,
                access: [.pull],
                text: "what is about \(digest.short) in `\(repository)`"
            )
            let query = PercentEncoding.component(type.rawValue)
            let address = try await address(repository, "referrers/\(digest)?artifactType=\(query)", subject)
            do {
                let request = HTTPRequest(.get, address, fields: ["Accept": MediaType.imageIndex.rawValue])
                let (_, bytes) = try await document(request, subject, limit: RegistryClient.referrersLimit)
                found = try? CanonicalJSON.decode(ImageIndex.self, from: bytes)
            } catch let error as RegistryError where error.isRefusal {
                blobs.noteMissingReferrers()
            }
        }
        if found == nil { found = try await taggedReferrers(of: digest, in: repository) }
        // Not every registry filters.
        return (found?.manifests ?? []).filter { $0.artifactType == type }
    }

    /// Stores a manifest about another one, so that it is found with that.
    ///
    /// - Throws: `RegistryError`, `CancellationError`.
    public func attach(_ manifest: RemoteManifest, type: MediaType, to subject: Digest, in repository: String)
        async throws
    {
        let response = try await store(manifest, as: .digest(manifest.digest), in: repository)
        if response.fields["OCI-Subject"] != nil { return }
        // "Referrers Tag Schema": of two at once the last one counts.
        var index = try await taggedReferrers(of: subject, in: repository) ?? ImageIndex(manifests: [])
        guard !index.manifests.contains(where: { $0.digest == manifest.digest }) else { return }
        var descriptor = manifest.descriptor
        descriptor.artifactType = type
        index.manifests.append(descriptor)
        let bytes = try CanonicalJSON.encode(index)
        let tagged = RemoteManifest(mediaType: .imageIndex, bytes: bytes)
        try await put(tagged, as: .tag(RegistryClient.tag(subject)), in: repository)
    }

    /// Whether the registry has a manifest.
    public func hasManifest(_ digest: Digest, in repository: String) async throws -> Bool {
        try await self.digest(ofTag: "\(digest)", in: repository) != nil
    }

    /// The largest list that is read, in bytes.
    private static let referrersLimit = 4 << 20

    private static func tag(_ subject: Digest) -> String { "sha256-\(subject.hex)" }

    private func taggedReferrers(of subject: Digest, in repository: String) async throws -> ImageIndex? {
        do {
            let found = try await manifest(.tag(RegistryClient.tag(subject)), in: repository)
            return try? CanonicalJSON.decode(ImageIndex.self, from: found.bytes)
        } catch let error as RegistryError where error.isNotFound {
            return nil
        }
    }
}

extension RegistryError {
    /// Whether a registry does not know what it was asked.
    fileprivate var isRefusal: Bool {
        switch reason {
        case .notFound, .status(400), .status(405), .status(501): true
        default: false
        }
    }
}
