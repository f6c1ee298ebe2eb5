import BuildCache
import BuildContext
import BuildPlanning
import DockerfileSyntax
import FileSystem
import LayerWriting
import Layers
import OCI
import RemoteAddresses
import RemoteSources
import Reporting
import Tar

/// A source of `ADD` from elsewhere, known well enough for the key; its files come when the layer has to be made.
struct RemoteContent {
    enum Kind {
        /// The name is the one that it gets in a directory; empty where the address has none.
        case file(RemoteFile, name: String)
        case commit(GitCommit, keepsGitDirectory: Bool)
    }

    let kind: Kind
    let range: SourceRange

    /// What stands for it in the key.
    var inputs: [NamedInput] {
        switch kind {
        case .file(let file, let name): [NamedInput("download", file.digest.hex), NamedInput("name", name)]
        case .commit(let commit, let keepsGitDirectory):
            [
                NamedInput("commit", commit.id), NamedInput("subdirectory", commit.address.subdirectory),
                NamedInput(".git", String(keepsGitDirectory)),
                NamedInput("submodules", String(commit.address.fetchesSubmodules)),
            ]
        }
    }
}

extension CopyStep {
    /// Finds out what an address means: which content, which commit.
    func resolve(_ address: RemoteAddress, at range: SourceRange) async throws -> RemoteContent {
        try await explaining(at: range) {
            switch address {
            case .web(let address):
                let name = address.fileName ?? ""
                guard !name.isEmpty || !destination.isDirectory || copy.unpack == true else {
                    throw namelessFile(at: range)
                }
                let file = try await context.builder.remote.files.resolve(
                    address,
                    checksum: try contentDigest(),
                    isRevalidated: context.usesCache
                )
                return RemoteContent(kind: .file(file, name: name), range: range)
            case .git(let address):
                let address = try copy.checksum.map { try address.checked(against: $0) } ?? address
                let keeps = copy.keepGitDirectory || (address.keepsGitDirectory ?? false)
                let commit = try await context.builder.remote.repositories.resolve(address)
                return RemoteContent(kind: .commit(commit, keepsGitDirectory: keeps), range: range)
            }
        }
    }

    /// Gets the files.
    func fetch(_ content: RemoteContent) async throws -> Source {
        try await explaining(at: content.range) {
            switch content.kind {
            case .file(let file, let name):
                let (path, size, modified) = try await context.builder.remote.files.content(of: file)
                let entry = LayerEntry(
                    path: PathInRoot(name),
                    kind: .regular,
                    permissions: 0o600,
                    size: size,
                    modified: modified,
                    contentDigest: file.digest
                )
                let item = CopyItem(entry: entry, content: .stored(path, owner: nil))
                return Source(
                    root: CopyRoot(name: Array(name.utf8), isDirectory: false, items: .list([item])),
                    range: content.range
                )
            case .commit(let commit, let keepsGitDirectory):
                let checkout = try await context.builder.remote.repositories.checkOut(
                    commit,
                    keepsGitDirectory: keepsGitDirectory
                )
                return Source(root: try root(of: checkout), range: content.range)
            }
        }
    }

    private func root(of checkout: GitCheckout) throws -> CopyRoot {
        let directory = try ContextDirectory(checkout.directory)
        var items: [CopyItem] = []
        for root in try directory.select(source: [], wildcards: .none) {
            let listing = try directory.list(root, excluding: [excludes])
            listing.forEach { path, reference in
                var item = CopyItem(listing[reference], path: PathInRoot(path))
                if listing.status(of: reference).kind == .regular {
                    item.content = .stored(directory.filePath(path), owner: checkout)
                }
                items.append(item)
            }
        }
        return CopyRoot(name: [], isDirectory: true, items: .list(items))
    }

    func namelessFile(at range: SourceRange) -> BuildError {
        context.failure(
            "needs a name for the download: the address ends with a slash",
            at: range,
            hints: ["write a destination without a slash at its end"]
        )
    }

    /// The value of `--checksum` for a download.
    private func contentDigest() throws -> Digest? {
        guard let checksum = copy.checksum else { return nil }
        do {
            return try Digest(parsing: checksum[...])
        } catch {
            throw context.failure("--checksum: \(error)", at: context.step.instruction.range)
        }
    }

    /// Tells errors of what is elsewhere at the source that needs it.
    private func explaining<Result>(at range: SourceRange, _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as RemoteSourceError {
            throw context.failure("failed: \(error)", at: range, hints: error.hint.map { [$0] } ?? [])
        } catch let error as AddressError {
            throw context.failure("failed: \(error)", at: range)
        } catch let error as BuildContextError {
            throw context.failure("failed: \(error)", at: range)
        }
    }
}
