public import BuildContext
internal import ContentStore
internal import FileSystem
internal import Glibc
internal import RemoteAddresses
internal import Reporting
public import SystemPackage

/// The Dockerfile's text and the context of a build, wherever each of them comes from.
public struct BuildFiles {
    let dockerfile: SourceText
    let context: ContextDirectory?
    /// What records of builds call the context: an absolute path, an address without credentials, or `-`.
    let contextName: String
    /// Whether the Dockerfile's name is a path on this machine.
    private let isLocal: Bool

    /// - Parameters:
    ///   - store: Opened for what must be fetched or unpacked.
    ///   - keepsGitDirectory: Whether `.git` is in the context where that is a repository.
    /// - Throws: `UserError`, `DiagnosticsError` for an ignore file, `CancellationError`.
    init(
        _ options: BuildOptions,
        keepsGitDirectory: Bool = false,
        store: @Sendable () throws -> Store
    ) async throws {
        let (context, dockerfile) = (options.context, options.file)
        let inline = options.inlineDockerfile.map { SourceText(name: "dockerfile_inline", bytes: Array($0.utf8)) }
        switch try ContextSource(context) {
        case .directory(let path):
            try await self.init(directory: path, dockerfile, inline, store)
        case .standardInput where dockerfile == "-":
            // A Dockerfile and nothing else.
            self.init(try BuildFiles.standardInput(), nil, named: context)
        case .standardInput:
            let fetcher = ContextFetcher(store: try store())
            try await self.init(try fetcher.standardInput(), by: fetcher, dockerfile, inline, named: context)
        case .web(let address):
            let fetcher = ContextFetcher(store: try store())
            try await self.init(try await fetcher.fetch(address), by: fetcher, dockerfile, inline, named: context)
        case .git(let address):
            let fetcher = ContextFetcher(store: try store())
            let directory = try await fetcher.checkOut(address, keepsGitDirectory: keepsGitDirectory)
            try await self.init(.context(directory), by: fetcher, dockerfile, inline, named: context)
        }
    }

    /// With a context in a directory of this machine.
    private init(
        directory path: String,
        _ dockerfile: String?,
        _ inline: SourceText?,
        _ store: @Sendable () throws -> Store
    ) async throws {
        isLocal = inline == nil
        contextName = FilePath(path).absolute.lexicallyNormalized().string
        let directory = try BuildFiles.open(path)
        if let inline {
            self.dockerfile = inline
            context = try BuildFiles.ignoring(directory, dockerfile: nil)
            return
        }
        switch dockerfile {
        case "-":
            self.dockerfile = try BuildFiles.standardInput()
            context = try BuildFiles.ignoring(directory, dockerfile: nil)
        case let text? where BuildFiles.isAddress(text):
            self.dockerfile = try await ContextFetcher(store: store()).text(try BuildFiles.address(text))
            context = try BuildFiles.ignoring(directory, dockerfile: nil)
        default:
            let path = dockerfile.map { FilePath($0) } ?? BuildFiles.defaultDockerfile(FilePath(path))
            self.dockerfile = try BuildFiles.read(path)
            context = try BuildFiles.ignoring(directory, dockerfile: path)
        }
    }

    /// With what an address or standard input had, which may be a Dockerfile alone.
    private init(
        _ fetched: ContextFetcher.Fetched,
        by fetcher: ContextFetcher,
        _ dockerfile: String?,
        _ inline: SourceText?,
        named name: String
    ) async throws {
        switch fetched {
        case .dockerfile(let text):
            guard dockerfile == nil, inline == nil else {
                let other = inline?.name ?? "-f"
                throw UserError(
                    "both \(text.name == "-" ? "standard input" : "`\(text.name)`") and \(other) provide a Dockerfile",
                    status: .usage
                )
            }
            self.init(text, nil, named: name)
        case .context(let directory):
            if let inline {
                self.init(inline, try BuildFiles.ignoringInside(directory, dockerfile: nil), named: name)
                return
            }
            let (text, inside): (SourceText, String?)
            switch dockerfile {
            case "-":
                (text, inside) = (try BuildFiles.standardInput(), nil)
            case let address? where BuildFiles.isAddress(address):
                (text, inside) = (try await fetcher.text(try BuildFiles.address(address)), nil)
            default:
                (text, inside) = try BuildFiles.dockerfile(dockerfile, in: directory, of: name)
            }
            self.init(text, try BuildFiles.ignoringInside(directory, dockerfile: inside), named: name)
        }
    }

    /// With a context from elsewhere, or none.
    private init(_ dockerfile: SourceText, _ context: ContextDirectory?, named name: String) {
        isLocal = false
        contextName = CredentialMask.masked(name)
        (self.dockerfile, self.context) = (dockerfile, context)
    }

    /// What records of builds call the Dockerfile.
    var dockerfileName: String {
        let name = dockerfile.name
        guard isLocal, name != "-", !BuildFiles.isAddress(name) else { return CredentialMask.masked(name) }
        return FilePath(name).absolute.lexicallyNormalized().string
    }

    /// A directory with the ignore file that lies in it.
    ///
    /// - Parameter dockerfile: The Dockerfile, whose own ignore file goes first.
    public static func openWithIgnoreFile(_ path: String, dockerfile: FilePath? = nil) throws -> ContextDirectory {
        try ignoring(try open(path), dockerfile: dockerfile)
    }

    private static func open(_ path: String) throws -> ContextDirectory {
        do {
            return try ContextDirectory(FilePath(path))
        } catch {
            throw UserError("\(error)")
        }
    }

    // MARK: - The Dockerfile

    private static func isAddress(_ text: String) -> Bool { text.hasPrefix("http://") || text.hasPrefix("https://") }

    private static func address(_ text: String) throws -> WebAddress {
        do {
            return try WebAddress(parsing: text)
        } catch {
            throw UserError("-f: \(error)", status: .usage)
        }
    }

    private static func standardInput() throws -> SourceText {
        let limit = ContextFetcher.textLimit
        let bytes = try FileOperations.read(descriptor: STDIN_FILENO, path: "standard input", limit: limit)
        guard !bytes.prefix(512).contains(0) else { throw UserError("standard input is not a Dockerfile") }
        return SourceText(name: "-", bytes: bytes)
    }

    private static func read(_ path: FilePath) throws -> SourceText {
        do {
            return SourceText(name: path.string, bytes: try FileOperations.read(path, limit: ContextFetcher.textLimit))
        } catch {
            throw UserError(
                "cannot read the Dockerfile `\(path)`: \(error.reason)",
                hints: ["`-f PATH` names another one"]
            )
        }
    }

    private static func defaultDockerfile(_ context: FilePath) -> FilePath {
        let usual = context.appending("Dockerfile").lexicallyNormalized()
        let other = context.appending("dockerfile").lexicallyNormalized()
        return FileStatus.ifPresent(usual) == nil && FileStatus.ifPresent(other) != nil ? other : usual
    }

    /// The Dockerfile of a context that came from elsewhere, and its path there.
    private static func dockerfile(_ name: String?, in context: ContextDirectory, of source: String) throws
        -> (SourceText, String)
    {
        for name in name.map({ [$0] }) ?? ["Dockerfile", "dockerfile"] {
            if let bytes = try read(name, in: context) { return (SourceText(name: name, bytes: bytes), name) }
        }
        throw UserError(
            "there is no `\(name ?? "Dockerfile")` in the build context "
                + (source == "-" ? "from standard input" : "`\(CredentialMask.masked(source))`"),
            hints: ["`-f PATH` names another one, a path in the context"]
        )
    }

    // MARK: - Ignore files

    /// `NAME.dockerignore` beside the Dockerfile goes before `.dockerignore` in the context.
    private static func ignoring(_ context: ContextDirectory, dockerfile: FilePath?) throws -> ContextDirectory {
        var candidates = [(path: context.path.appending(".dockerignore"), name: ".dockerignore")]
        if let dockerfile {
            let own = dockerfile.string + ".dockerignore"
            candidates.insert((FilePath(own), own), at: 0)
        }
        for candidate in candidates where FileStatus.ifPresent(candidate.path) != nil {
            let bytes: [UInt8]
            do {
                bytes = try FileOperations.read(candidate.path, limit: ContextFetcher.ignoreFileLimit)
            } catch {
                throw UserError("\(error)")
            }
            return context.ignoring(try IgnoreFile(parsing: SourceText(name: candidate.name, bytes: bytes)))
        }
        return context
    }

    /// The same in a context that came from elsewhere, of which nothing may lead out.
    static func ignoringInside(_ context: ContextDirectory, dockerfile: String?) throws -> ContextDirectory {
        for name in (dockerfile.map { [$0 + ".dockerignore"] } ?? []) + [".dockerignore"] {
            let limit = ContextFetcher.ignoreFileLimit
            guard let bytes = try read(name, in: context, limit: limit) else { continue }
            return context.ignoring(try IgnoreFile(parsing: SourceText(name: name, bytes: bytes)))
        }
        return context
    }

    /// The content of a file in a context, with links followed inside it; `nil` where there is none.
    private static func read(
        _ name: String,
        in context: ContextDirectory,
        limit: Int = ContextFetcher.textLimit
    ) throws -> [UInt8]? {
        guard let root = try? context.select(source: Array(name.utf8), wildcards: .none).first,
            root.status.kind == .regular
        else { return nil }
        return try FileOperations.read(context.filePath(root.resolvedPath), limit: limit)
    }
}
