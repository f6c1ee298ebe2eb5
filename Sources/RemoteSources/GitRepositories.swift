internal import BuildContext
internal import ChildProcesses
public import ContentStore
internal import FileSystem
internal import Glibc
internal import OCI
public import RemoteAddresses
public import SystemPackage
internal import Threads

/// One commit of a repository and what of it is wanted: everything that decides which files come.
public struct GitCommit: Sendable {
    public let address: GitAddress
    /// In hexadecimal digits, all of them.
    public let id: String
}

/// The files of a commit, in a directory that goes away with the last use of this value.
public struct GitCheckout: Sendable {
    /// The directory that the address asks for; no part of the path is a link.
    public let directory: FilePath
    /// When the commit was made, in seconds since 1970; all files carry this time.
    public let time: Int64
    private let temporary: TemporaryDirectory

    init(directory: FilePath, time: Int64, temporary: TemporaryDirectory) {
        self.directory = directory
        self.time = time
        self.temporary = temporary
    }
}

/// Git repositories, by the system's `git`.
///
/// What was fetched stays in the store, one bare repository for each remote.
public struct GitRepositories: Sendable {
    private let store: Store
    private let git: GitProgram

    /// - Parameter environment: The variables of this process, of which `git` gets those that do not point it elsewhere.
    public init(_ store: Store, environment: [String: String]) {
        self.store = store
        git = GitProgram(environment: environment)
    }

    /// Finds the commit that an address means; asks the server unless the address says the commit.
    ///
    /// - Throws: `RemoteSourceError`, `SystemError`, `CancellationError`.
    public func resolve(_ address: GitAddress) async throws -> GitCommit {
        let reference = address.reference ?? address.commit ?? "HEAD"
        let id = GitRepositories.isCommit(reference) ? reference.lowercased() : try await find(reference, in: address)
        if let expected = address.commit, !id.hasPrefix(expected) {
            throw RemoteSourceError.commit(address, expected: expected, actual: id)
        }
        return GitCommit(address: address, id: id)
    }

    /// The digits of a whole digest, SHA-1 or SHA-256.
    private static func isCommit(_ text: String) -> Bool {
        (text.utf8.count == 40 || text.utf8.count == 64) && text.allSatisfy { $0.isASCII && $0.isHexDigit }
    }

    private func find(_ reference: String, in address: GitAddress) async throws -> String {
        let listing = try await git.run(
            ["ls-remote", "--", address.remote, reference, reference + "^{}"],
            address,
            "list the references of"
        )
        var found: [Substring: Substring] = [:]
        for line in listing.split(separator: "\n") {
            let columns = line.split(separator: "\t")
            if columns.count == 2 { found[columns[1]] = columns[0] }
        }
        // In git's order (gitrevisions(7)); an annotated tag leads on to its commit.
        for name in [reference, "refs/" + reference, "refs/tags/" + reference, "refs/heads/" + reference] {
            if let id = found[(name + "^{}")[...]] ?? found[name[...]] { return String(id) }
        }
        // The start of a commit's digest means nothing before the commit is fetched.
        if (7...64).contains(reference.utf8.count), reference.allSatisfy({ $0.isASCII && $0.isHexDigit }) {
            let repository = try await bareRepository(address)
            try await fetchEverything(address, into: repository)
            if let id = try await commit(reference, in: repository, address) { return id }
        }
        throw RemoteSourceError.referenceMissing(address, reference)
    }

    /// Makes the files of a commit, with modes 0644 and 0755 and the time of the commit.
    ///
    /// - Parameter keepsGitDirectory: Whether `.git` is there too, without credentials.
    /// - Throws: As `resolve`.
    public func checkOut(_ commit: GitCommit, keepsGitDirectory: Bool) async throws -> GitCheckout {
        let address = commit.address
        let repository = try await bareRepository(address)
        let lock = try await self.lock(repository)
        defer { withExtendedLifetime(lock) {} }
        try await fetch(commit, into: repository)
        let seconds = try await git.run(
            ["--git-dir", repository.string, "show", "-s", "--format=%ct", commit.id + "^{commit}"],
            address,
            "read"
        )
        let time = Int64(seconds.split(separator: "\n").last ?? "") ?? 0

        let temporary = try TemporaryDirectory(in: store[.temporary])
        let tree = temporary.path.appending("tree")
        try await git.run(["init", "-q", tree.string], address, "check out")
        let inTree = ["-C", tree.string]
        try await git.run(inTree + ["remote", "add", "origin", address.remote], address, "check out")
        try await git.run(
            inTree + ["fetch", "-q", "--depth=1", "--no-tags", repository.string, GitRepositories.reference(commit)],
            address,
            "check out",
            isLocal: true
        )
        try await git.run(inTree + ["checkout", "-q", "--detach", "FETCH_HEAD"], address, "check out")
        if address.fetchesSubmodules, FileStatus.ifPresent(tree.appending(".gitmodules")) != nil {
            try await git.run(
                inTree + ["submodule", "-q", "update", "--init", "--recursive", "--depth=1"],
                address,
                "fetch the submodules of"
            )
        }
        // It tells when and by whom the commit was checked out here.
        try await git.run(inTree + ["reflog", "expire", "--all", "--expire=now"], address, "check out")
        try CheckedOutTree(tree).finish(keepsGitDirectory: keepsGitDirectory, time: time)
        guard let directory = CheckedOutTree(tree).directory(address.subdirectory) else {
            throw RemoteSourceError.directoryMissing(address)
        }
        return GitCheckout(directory: directory, time: time, temporary: temporary)
    }

    // MARK: - The repository in the store

    private func bareRepository(_ address: GitAddress) async throws -> FilePath {
        let name = "git-" + SHA256Hasher.digest(of: address.remote).hex
        let path = store[.sources].appending(name)
        if FileStatus.ifPresent(path.appending("HEAD")) == nil {
            try await git.run(["init", "-q", "--bare", path.string], address, "make a place for")
        }
        return path
    }

    /// Held while something is fetched, by any process; waits without keeping a thread.
    private func lock(_ repository: FilePath) async throws -> FileLock {
        let key = SHA256Hasher.digest(of: repository.string)
        while true {
            try Task.checkCancellation()
            if let lock = try store.tryLock(key: key) { return lock }
            try await Pause.wait(seconds: 0.005)
        }
    }

    /// The name under which a commit is kept, so that git never takes it for garbage.
    private static func reference(_ commit: GitCommit) -> String { "refs/swiftbuild/" + commit.id }

    private func fetch(_ commit: GitCommit, into repository: FilePath) async throws {
        let address = commit.address
        if try await self.commit(commit.id, in: repository, address) == nil {
            // By name first: not every server gives commits by their digest, and a dumb one gives nothing else.
            for wanted in [address.reference, commit.id].compactMap({ $0 }) {
                let fetched = try await git.attempt(
                    [
                        "--git-dir", repository.string, "fetch", "-q", "--depth=1", "--no-tags", "--", address.remote,
                        wanted,
                    ],
                    address
                )
                if fetched.status == 0, try await self.commit(commit.id, in: repository, address) != nil { break }
            }
            if try await self.commit(commit.id, in: repository, address) == nil {
                try await fetchEverything(address, into: repository)
            }
            guard try await self.commit(commit.id, in: repository, address) != nil else {
                throw RemoteSourceError.referenceMissing(address, commit.id)
            }
        }
        try await git.run(
            ["--git-dir", repository.string, "update-ref", GitRepositories.reference(commit), commit.id],
            address,
            "keep"
        )
    }

    private func fetchEverything(_ address: GitAddress, into repository: FilePath) async throws {
        var options = ["--git-dir", repository.string, "fetch", "-q", "--force", "--tags"]
        if FileStatus.ifPresent(repository.appending("shallow")) != nil { options.append("--unshallow") }
        try await git.run(options + ["--", address.remote, "+refs/heads/*:refs/heads/*"], address, "fetch")
    }

    /// The whole digest of a commit; `nil` where the repository does not have it.
    private func commit(_ name: String, in repository: FilePath, _ address: GitAddress) async throws -> String? {
        let result = try await git.attempt(
            ["--git-dir", repository.string, "rev-parse", "-q", "--verify", "--end-of-options", name + "^{commit}"],
            address
        )
        return result.status == 0 ? result.output.split(separator: "\n").first.map(String.init) : nil
    }
}
