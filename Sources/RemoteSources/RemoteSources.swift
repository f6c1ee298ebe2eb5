public import ContentStore
internal import FileSystem
internal import HTTPTransport
internal import SystemPackage

/// What a build takes from elsewhere.
///
/// Making one costs nothing: what talks to servers is made with the first request.
public struct RemoteSources: Sendable {
    private let store: Store

    public init(_ store: Store) {
        self.store = store
    }

    public var files: RemoteFiles { RemoteFiles(store, session: RemoteSources.session) }

    public var repositories: GitRepositories { GitRepositories(store, environment: ProcessEnvironment.variables) }

    /// Does something with what is elsewhere, and tells when a server asks to wait.
    public static func telling<Result>(
        _ tell: @escaping @Sendable (String) -> Void,
        _ body: () async throws -> Result
    ) async rethrows -> Result {
        try await HTTPNotices.$tell.withValue(tell, operation: body)
    }

    /// Connections are kept for the whole process.
    private static let session = HTTPSession(NetworkExchange(.init(environment: ProcessEnvironment.variables)))
}
