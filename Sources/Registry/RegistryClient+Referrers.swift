internal import HTTPTransport
public import OCI
internal import RemoteAddresses

/// Manifests that say something about other ones (distribution specification 1.1, "Listing Referrers").
extension RegistryClient {
    /// What there is of one type about a manifest; `nil` where the registry does not list that.
    ///
    /// The tags that stand in for such a list ("Referrers Tag Schema") are neither read nor written: they would be among
    /// the user's own. A registry that does not know the question is not asked again by this process.
    ///
    /// - Throws: `RegistryError`, `CancellationError`.
    public func referrers(of digest: Digest, type: MediaType, in repository: String) async throws -> [Descriptor]? {
        if blobs.knowsNoReferrers { return nil }
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
            let found = try? CanonicalJSON.decode(ImageIndex.self, from: bytes)
            // Not every registry filters.
            return found?.manifests.filter { $0.artifactType == type }
        } catch let error as RegistryError where error.isRefusal {
            blobs.noteMissingReferrers()
            return nil
        }
    }

    /// The largest list that is read, in bytes.
    private static let referrersLimit = 4 << 20
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
