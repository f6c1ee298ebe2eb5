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

    public var repositories: GitRepositories { GitRepositories(store, environment: RemoteSources.environment) }

    /// Connections are kept for the whole process.
    private static let session = HTTPSession(NetworkExchange(.init(environment: environment)))

    /// The variables that this process was started with.
    private static let environment: [String: String] = {
        var variables: [String: String] = [:]
        for entry in ((try? FileOperations.read("/proc/self/environ")) ?? []).split(separator: 0) {
            let parts = entry.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            variables[String(decoding: parts[0], as: UTF8.self)] = String(decoding: parts[1], as: UTF8.self)
        }
        return variables
    }()
}
