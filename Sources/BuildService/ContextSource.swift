internal import BuildContext
internal import ContentStore
internal import FileSystem
internal import Glibc
internal import Layers
internal import RemoteAddresses
internal import RemoteSources
internal import Reporting
internal import SystemPackage
internal import Tar

/// What stands where `build` wants a context.
enum ContextSource: Sendable {
    case directory(String)
    case standardInput
    case web(WebAddress)
    case git(GitAddress)

    /// A directory that is there is one, whatever else its name could mean.
    ///
    /// - Throws: `UserError` for something that begins as an address and is none.
    init(_ text: String) throws {
        guard text != "-" else {
            self = .standardInput
            return
        }
        do {
            switch try RemoteAddress(parsing: text, isContext: true) {
            case .web(let address)?: self = .web(address)
            case .git(let address)? where FileStatus.ifPresent(FilePath(text)) == nil: self = .git(address)
            case .git?, nil: self = .directory(text)
            }
        } catch {
            throw UserError("the build context: \(error)", status: .usage)
        }
    }
}

/// Makes directories of contexts that are none, in the store's place for temporary files.
struct ContextFetcher: Sendable {
    /// A context that came as a file: an archive, or a Dockerfile without a context.
    enum Fetched {
        case context(ContextDirectory)
        case dockerfile(SourceText)
    }

    /// The longest Dockerfile.
    static let textLimit = 64 << 20
    /// The longest ignore file: of each line something is kept that takes many times its length.
    static let ignoreFileLimit = 4 << 20

    let store: Store

    /// Takes standard input for a Dockerfile, or for an archive if it begins as one.
    func standardInput() throws -> Fetched {
        var start = [UInt8](repeating: 0, count: 512)
        var count = 0
        while count < start.count {
            let more = start.withUnsafeMutableBytes { bytes in
                uninterrupted { read(STDIN_FILENO, bytes.baseAddress.map { $0 + count }, 512 - count) }
            }
            guard more > 0 else { break }
            count += more
        }
        start.removeLast(start.count - count)
        if ArchiveReader.isArchive(beginning: start) {
            return .context(try unpack("standard input", STDIN_FILENO, after: start))
        }
        let rest = try FileOperations.read(
            descriptor: STDIN_FILENO,
            path: "standard input",
            limit: ContextFetcher.textLimit
        )
        return .dockerfile(try dockerfile(start + rest, name: "-", of: "standard input"))
    }

    func fetch(_ address: WebAddress) async throws -> Fetched {
        let (path, modified) = try await download(address)
        let start = try FileOperations.readPrefix(path, count: 512)
        guard ArchiveReader.isArchive(beginning: start) else {
            let bytes = try FileOperations.read(path, limit: ContextFetcher.textLimit)
            return .dockerfile(try dockerfile(bytes, name: address.description, of: "`\(address)`"))
        }
        let file = try OpenFile(path)
        let time = modified == 0 ? ContextDirectory.SourceTime.ofNewestFile : .known(modified)
        return .context(try unpack("`\(address)`", file.descriptor, time: time))
    }

    /// A file that `-f` names on a server.
    func text(_ address: WebAddress) async throws -> SourceText {
        let bytes = try FileOperations.read(try await download(address).path, limit: ContextFetcher.textLimit)
        return try dockerfile(bytes, name: address.description, of: "`\(address)`")
    }

    func checkOut(_ address: GitAddress, keepsGitDirectory: Bool) async throws -> ContextDirectory {
        let lock = try store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        return try await explaining {
            let repositories = RemoteSources(store).repositories
            let checkout = try await repositories.checkOut(
                try await repositories.resolve(address),
                keepsGitDirectory: address.keepsGitDirectory ?? keepsGitDirectory
            )
            return try ContextDirectory(checkout.directory, owner: checkout, sourceTime: .known(checkout.time))
        }
    }

    /// - Returns: Where the file is, and when the server says it was changed; 0 where it does not.
    private func download(_ address: WebAddress) async throws -> (path: FilePath, modified: Int64) {
        let lock = try store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        return try await explaining {
            let files = RemoteSources(store).files
            let content = try await files.content(of: try await files.resolve(address))
            return (content.path, content.modified)
        }
    }

    private func unpack(
        _ name: String,
        _ descriptor: Int32,
        after start: [UInt8] = [],
        time: ContextDirectory.SourceTime = .ofNewestFile
    ) throws -> ContextDirectory {
        let directory = try TemporaryDirectory(in: store[.temporary])
        let root = directory.path.appending("context")
        try FileOperations.createRoot(root)
        do {
            let reader = try ArchiveReader(descriptor: descriptor, name: name, after: start)
            try ArchiveUnpacker(root: root).unpack(reader)
            return try ContextDirectory(root, owner: directory, sourceTime: time)
        } catch let error as LayerError {
            throw UserError("cannot use \(name) as a build context: \(error)")
        }
    }

    private func dockerfile(_ bytes: [UInt8], name: String, of source: String) throws -> SourceText {
        guard !bytes.contains(0) else {
            throw UserError(
                "\(source) is neither a Dockerfile nor an archive",
                hints: ["a context is a tar archive, plain or compressed with gzip, bzip2, xz or zstd"]
            )
        }
        return SourceText(name: name, bytes: bytes)
    }

    private func explaining<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as RemoteSourceError {
            throw UserError("\(error)", hints: error.hint.map { [$0] } ?? [])
        } catch let error as BuildContextError {
            throw UserError("\(error)")
        }
    }
}
