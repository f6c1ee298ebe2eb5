internal import HTTPTransport
internal import OCI
internal import RemoteAddresses

extension RegistryClient {
    /// The longest page of a list of tags.
    private static let pageLimit = 16 << 20

    /// The tags of a repository, in the registry's order (distribution specification, "Listing Tags").
    ///
    /// - Throws: `RegistryError`.
    public func tags(in repository: String) async throws -> [String] {
        let subject = Subject(repository: repository, access: [.pull], text: "the tags of `\(repository)`")
        struct Page: Decodable { let tags: [String]? }
        var (tags, seen): ([String], Set<String>) = ([], [])
        var path = "tags/list"
        while true {
            let request = HTTPRequest(.get, try await address(repository, path, subject))
            let (response, bytes) = try await document(request, subject, limit: RegistryClient.pageLimit)
            guard let page = try? CanonicalJSON.decode(Page.self, from: bytes) else {
                throw error(.malformed("not a list of tags"), subject)
            }
            // A server that gives the same page again would never come to an end.
            let new = (page.tags ?? []).filter { seen.insert($0).inserted }
            tags += new
            guard !new.isEmpty, let next = response.fields["Link"].flatMap(RegistryClient.query) else { return tags }
            path = "tags/list?\(next)"
        }
    }

    /// The query of the address in `<…?last=b&n=10>; rel="next"`; the rest of it is known.
    private static func query(ofNext link: String) -> String? {
        guard link.contains("rel=\"next\"") || link.contains("rel=next"), let start = link.firstIndex(of: "?"),
            let end = link[start...].firstIndex(of: ">")
        else { return nil }
        return String(link[link.index(after: start)..<end])
    }
}
