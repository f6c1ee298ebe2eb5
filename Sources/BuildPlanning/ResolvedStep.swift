public import DockerfileSyntax
public import RemoteAddresses
public import Reporting

/// One `NAME=value`.
public struct EnvironmentVariable: Sendable, Hashable {
    /// What is set.
    public let name: String
    /// What it is set to.
    public let value: String

    /// Creates a variable.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// `NAME=value`.
    public var assignment: String { "\(name)=\(value)" }
}

/// What one instruction means in the state that its stage was in.
public struct ResolvedStep: Sendable {
    /// What is left to do after the state was updated.
    public let action: Action
    /// The history text, in BuildKit's words.
    public let createdBy: String
    /// Whether the history entry stands without a layer.
    public let emptyLayer: Bool
    /// The variables that its words use and that are neither declared nor set.
    public let unsetVariables: [UnsetVariable]
    /// Other doubts.
    public let warnings: [Diagnostic]

    /// The work of a step.
    public enum Action: Sendable {
        /// Nothing: the instruction only changed the state.
        case metadata
        case workdir(ResolvedWorkdir)
        case run(ResolvedRun)
        case copy(ResolvedCopy)
    }
}

/// A variable that a word uses and that has no value.
public struct UnsetVariable: Sendable {
    /// The name without `$`.
    public let name: String
    /// The word that uses it.
    public let range: SourceRange
    /// The name of a variable that is set and is probably meant.
    public let suggestion: String?
}

/// A directory to create, with missing parents.
public struct ResolvedWorkdir: Sendable, Hashable {
    /// Absolute and clean, without trailing slash.
    public let path: String
    /// The owner of what is created, as `USER` wrote it; empty means root.
    public let user: String
}

/// A file whose content stands in the Dockerfile.
public struct InlineFile: Sendable, Hashable {
    /// The delimiter of the here-document.
    public let name: String
    /// The lines, expanded where the instruction does that.
    public let content: String
    /// The `<<NAME` word.
    public let range: SourceRange
}

/// A process to run.
public struct ResolvedRun: Sendable {
    /// The argument vector, shell included.
    public let arguments: [String]
    /// Whether a shell interprets the command.
    public let isShellForm: Bool
    /// The image's environment with the `ARG` values merged in, in order; proxies are separate.
    public let environment: [EnvironmentVariable]
    /// Proxy settings in both cases, which go before those of `environment`; they never count for the cache.
    public let proxyEnvironment: [EnvironmentVariable]
    /// The declared `ARG`s in order of declaration, for history and cache key; an unset one has no entry.
    public let buildArguments: [EnvironmentVariable]
    /// As `USER` wrote it; empty means root.
    public let user: String
    /// Absolute and clean; created when it is missing.
    public let workingDirectory: String
    /// In the order of the flags.
    public let mounts: [ResolvedMount]
    /// What the process sees of the network.
    public let network: NetworkMode
    /// `--security=insecure`.
    public let isPrivileged: Bool
    /// Executable files (mode 0755) that appear read-only in `/dev/pipes`, for heredocs that begin with `#!`.
    public let scripts: [InlineFile]

    /// What a process sees of the network.
    public enum NetworkMode: String, Sendable {
        case standard = "default"
        case none
        case host
    }
}

/// One `RUN --mount`.
public struct ResolvedMount: Sendable, Hashable {
    /// The type with its options.
    public let kind: Kind
    /// Absolute and clean; `nil` for a secret that is only an environment variable.
    public let target: String?
    /// The whole `--mount` flag.
    public let range: SourceRange
    /// The `source` option, or the whole flag without one.
    public let sourceRange: SourceRange

    /// The types of mounts.
    public enum Kind: Sendable, Hashable {
        case bind(from: ContentSource, path: String, isWritable: Bool)
        case cache(CacheMount)
        /// The limit in bytes; `nil` without one.
        case tmpfs(size: Int64?)
        case secret(SecretMount)
        case ssh(SecretMount)
    }
}

/// `--mount=type=cache`.
public struct CacheMount: Sendable, Hashable {
    /// What names the cache; the target without an `id` option.
    public let id: String
    /// Who may use it at the same time.
    public let sharing: Sharing
    /// What seeds a new cache; `nil` for an empty directory.
    public let from: ContentSource?
    /// The directory in `from`.
    public let path: String
    /// The permissions of a new cache directory; `nil` for those of its seed, or 0755.
    public let mode: UInt32?
    /// The owner of a new cache directory; `nil` for that of its seed, or 0.
    public let userID: UInt32?
    /// The group of a new cache directory; `nil` for that of its seed, or 0.
    public let groupID: UInt32?
    /// Whether writing is forbidden.
    public let isReadOnly: Bool

    /// Who may use a cache at the same time.
    public enum Sharing: String, Sendable {
        case shared, `private`, locked
    }
}

/// `--mount=type=secret` and `--mount=type=ssh`.
public struct SecretMount: Sendable, Hashable {
    /// What names it on the command line.
    public let id: String
    /// The variable that gets the secret's value.
    public let environmentName: String?
    /// The permissions of the file.
    public let mode: UInt32
    /// The owner of the file.
    public let userID: UInt32
    /// The group of the file.
    public let groupID: UInt32
    /// Whether the build fails without it.
    public let isRequired: Bool
}

/// Files to bring into the image, by `COPY` or `ADD`.
public struct ResolvedCopy: Sendable {
    /// `ADD` rather than `COPY`.
    public let isAdd: Bool
    /// Where paths are looked up.
    public let from: ContentSource
    /// What is copied, without here-documents.
    public let sources: [CopySource]
    /// The here-documents among the sources.
    public let inlineFiles: [InlineFile]
    /// Expanded, as written: may be relative to `workingDirectory`, and a trailing slash means a directory.
    public let destination: String
    /// The destination word.
    public let destinationRange: SourceRange
    /// What a relative destination is relative to.
    public let workingDirectory: String
    /// `user[:group]`, `:group` or `user:`, expanded.
    public let chown: String?
    /// The value of `--chown`.
    public let chownRange: SourceRange?
    /// The value of `--chmod`.
    public let chmod: ModeChange?
    /// `--link`.
    public let link: Bool
    /// `--parents`.
    public let parents: Bool
    /// The `--exclude` patterns; variables mean nothing in them.
    public let excludes: [Word]
    /// What a download must be.
    public let checksum: String?
    /// `--unpack`; `nil` is the default: local archives yes, downloads no.
    public let unpack: Bool?
    /// `--keep-git-dir`.
    public let keepGitDirectory: Bool
}

/// One source of `COPY` or `ADD`, expanded.
public struct CopySource: Sendable, Hashable {
    /// The path or address, as it was written.
    public let text: String
    /// The source word.
    public let range: SourceRange
    /// What the text names.
    public let kind: Kind

    /// What the text names.
    public enum Kind: Sendable, Hashable {
        case path
        case remote(RemoteAddress)
    }
}

/// An `ARG` in scope.
public struct ScopedArgument: Sendable, Hashable {
    /// The declared name.
    public let name: String
    /// `nil` when it is declared but has no value anywhere.
    public let value: String?
}
