internal import FileSystem
internal import Glibc
internal import Synchronization
public import SystemPackage

/// Where the value of a secret is.
public enum SecretSource: Sendable, Hashable {
    case file(FilePath)
    /// A variable of this process's environment.
    case variable(String)
    case content([UInt8])

    /// Parses `id=NAME[,src=FILE|,env=VARIABLE][,type=file|env]`.
    ///
    /// With an id alone it is the variable of that name where there is one, and else the file of that name.
    /// - Throws: `ContainerError.invalidSetting`, also where a file cannot be read.
    public static func parse(_ text: String) throws(ContainerError) -> (id: String, source: SecretSource) {
        var values: [String: String] = [:]
        for field in text.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let key = parts[0].lowercased()
            guard parts.count == 2 else { throw .invalidSetting(text, reason: "`\(field)` has no value") }
            guard ["id", "type", "src", "source", "env"].contains(key) else {
                throw .invalidSetting(text, reason: "unknown key `\(key)`; known are id, src, env and type")
            }
            values[key == "source" ? "src" : key] = parts[1]
        }
        guard let id = values["id"], !id.isEmpty else { throw .invalidSetting(text, reason: "`id` is missing") }
        switch values["type"] {
        case nil, "file": break
        case "env":
            values["env"] = values["env"] ?? values["src"] ?? id
            values["src"] = nil
        case let type?: throw .invalidSetting(text, reason: "unknown type `\(type)`; known are file and env")
        }
        if let name = values["env"] {
            guard values["src"] == nil else { throw .invalidSetting(text, reason: "it has both `src` and `env`") }
            return (id, .variable(name))
        }
        if values["src"] == nil, values["type"] == nil, getenv(id) != nil { return (id, .variable(id)) }
        let path = values["src"] ?? id
        guard access(path, R_OK) == 0 else {
            throw .invalidSetting(text, reason: "cannot read `\(path)`: \(Errno.current.sentence)")
        }
        return (id, .file(FilePath(path)))
    }
}

/// The secrets and ssh agents of the user, by id.
///
/// Secrets are read when the first process needs them, and kept in memory only.
public final class Credentials: Sendable {
    /// As in BuildKit: enough for every key and certificate, and not for a file given by mistake.
    static let sizeLimit = 500 << 10

    private let secrets: [String: SecretSource]
    let agents: [String: AgentSource]
    /// A pipe can be read only once.
    private let values = Mutex<[String: [UInt8]]>([:])

    public init(secrets: [String: SecretSource], agents: [String: AgentSource]) {
        (self.secrets, self.agents) = (secrets, agents)
    }

    /// The value of a secret.
    ///
    /// - Returns: `nil` where none of that id was given, or the variable it is in is not set.
    /// - Throws: `SystemError`, with `.fileTooLarge` above the limit; it does not tell the value.
    func secret(_ id: String) throws -> [UInt8]? {
        guard let source = secrets[id] else { return nil }
        return try values.withLock { values in
            if let known = values[id] { return known }
            guard let value = try Credentials.read(source) else { return nil }
            values[id] = value
            return value
        }
    }

    private static func read(_ source: SecretSource) throws(SystemError) -> [UInt8]? {
        switch source {
        case .file(let path): return try FileOperations.read(path, limit: sizeLimit)
        case .variable(let name):
            guard let text = getenv(name) else { return nil }
            guard strlen(text) <= sizeLimit else { throw SystemError("read", FilePath(name), errno: .fileTooLarge) }
            return (0..<strlen(text)).map { UInt8(bitPattern: text[$0]) }
        case .content(let bytes):
            guard bytes.count <= sizeLimit else { throw SystemError("read", "secret", errno: .fileTooLarge) }
            return bytes
        }
    }
}
