internal import BuildContext
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

    /// Removes everything that can be fetched again; the caller holds the store's lock alone.
    ///
    /// - Returns: The bytes of the files that are gone.
    public func prune() throws -> Int64 {
        let directory = try ContextDirectory(store[.sources])
        var freed: Int64 = 0
        for root in try directory.select(source: [], wildcards: .none) {
            let listing = try directory.list(root)
            listing.forEach { _, entry in
                let status = listing.status(of: entry)
                if status.kind == .regular { freed += status.size }
            }
        }
        for name in try FileOperations.names(in: directory.path) {
            try FileOperations.removeTree(directory.path.appending(bytes: name))
        }
        return freed
    }

    /// Connections are kept for the whole process.
    private static let session = HTTPSession(NetworkExchange(.init(environment: ProcessEnvironment.variables)))
}
