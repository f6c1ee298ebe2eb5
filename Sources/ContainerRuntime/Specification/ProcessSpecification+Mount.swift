internal import FileSystem
internal import Glibc
public import Layers
public import Sandbox

extension ProcessSpecification {
    /// A reference to files that the process sees besides those of its root filesystem.
    public struct Mount: Sendable, Codable {
        public let source: Source
        /// Absolute and clean; `nil` for a secret that is only a variable.
        public let target: String?
        public let isReadOnly: Bool

        public init(_ source: Source, target: String?, isReadOnly: Bool = false) {
            (self.source, self.target, self.isReadOnly) = (source, target, isReadOnly)
        }

        /// What is mounted.
        public enum Source: Sendable, Codable {
            /// A file or directory of this machine, with everything that is mounted in it.
            case bind(path: String)
            /// A path in a directory of this machine, which its links do not lead out of.
            case inside(root: String, path: String)
            /// A path in layers, lowest first; what is written there is removed with the process.
            case image(layers: [Layer], path: String)
            /// A directory of `CacheDirectoryStore`, by the name that it has there.
            case cache(name: String)
            /// A filesystem in memory; the size in bytes, `nil` for half of the memory.
            case memory(size: UInt64?, options: MemoryOptions? = nil)
            /// The value of a secret, whose id `Credentials` knows.
            case secret(Credential)
            /// A socket of an ssh agent, whose id `Credentials` knows.
            case agent(Credential)
        }

        /// How a filesystem in memory is mounted for a container; a RUN may do more.
        public struct MemoryOptions: Sendable, Codable {
            /// Of its root.
            public var permissions: UInt32 = 0o1777
            public var userID: UInt32 = 0
            public var groupID: UInt32 = 0
            /// Whether no file there can be executed, Docker's default.
            public var forbidsPrograms = true

            public init() {}
        }
    }

    /// What a process gets of a secret or ssh agent, without the value.
    public struct Credential: Sendable, Codable {
        public let id: String
        /// The variable that has the value.
        public let variable: String?
        public let permissions: UInt32
        public let owner: SandboxUser
        /// Whether no process is started without it.
        public let isRequired: Bool

        public init(id: String, variable: String?, permissions: UInt32, owner: SandboxUser, isRequired: Bool) {
            (self.id, self.variable, self.isRequired) = (id, variable, isRequired)
            (self.permissions, self.owner) = (permissions, owner)
        }
    }
}

extension ProcessSpecification.Mount {
    /// Parses `HOST:CONTAINER[:ro|rw]`, as `--volume` has it.
    ///
    /// - Throws: `ContainerError.invalidVolume`.
    public init(volume text: String) throws(ContainerError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), !parts[0].isEmpty else {
            throw .invalidVolume(text, reason: "expected HOST:CONTAINER[:ro]")
        }
        guard parts[0].contains("/") || parts[0].hasPrefix(".") else {
            throw .invalidVolume(
                text,
                reason: "volumes with names are not supported yet: write a path, such as ./\(parts[0])"
            )
        }
        guard parts[1].hasPrefix("/") else {
            throw .invalidVolume(text, reason: "the path in the container must begin with /")
        }
        guard parts.count == 2 || parts[2] == "ro" || parts[2] == "rw" else {
            throw .invalidVolume(text, reason: "unknown option `\(parts[2])`")
        }
        try self.init(binding: parts[0], target: parts[1], isReadOnly: parts.count == 3 && parts[2] == "ro")
    }

    /// A file or directory of this machine, which must exist.
    ///
    /// - Throws: `ContainerError.invalidVolume`.
    public init(binding source: String, target: String, isReadOnly: Bool) throws(ContainerError) {
        guard let resolved = realpath(source, nil) else {
            throw .invalidVolume("\(source):\(target)", reason: "`\(source)` does not exist")
        }
        defer { free(resolved) }
        guard let path = String(validatingCString: resolved) else {
            throw .invalidVolume("\(source):\(target)", reason: "the path of `\(source)` is not UTF-8")
        }
        self.init(.bind(path: path), target: target, isReadOnly: isReadOnly)
    }
}
