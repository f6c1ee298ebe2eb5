internal import FileSystem
internal import Glibc
internal import OCI
internal import RemoteAddresses
internal import SystemPackage

/// A file with logins, as Docker (`config.json`) and podman (`auth.json`, containers-auth.json(5)) have it.
///
/// Everything else in it is kept when a login is added or removed.
struct LoginFile {
    let path: FilePath
    private var content: [String: JSONValue] = [:]

    /// - Throws: `LoginError.invalidFile` for a file that is there and cannot be read.
    init(_ path: FilePath) throws(LoginError) {
        let bytes: [UInt8]
        do {
            bytes = FileStatus.ifPresent(path) == nil ? [] : try FileOperations.read(path, limit: 4 << 20)
        } catch {
            throw .invalidFile(path, reason: error.reason)
        }
        try self.init(path, parsing: bytes)
    }

    /// Takes the content of a file.
    init(_ path: FilePath, parsing bytes: [UInt8]) throws(LoginError) {
        self.path = path
        guard !bytes.allSatisfy({ $0 <= 0x20 }) else { return }
        guard let value = try? CanonicalJSON.decode(JSONValue.self, from: bytes) else {
            throw .invalidFile(path, reason: "it is not JSON")
        }
        guard case .object(let content) = value else { throw .invalidFile(path, reason: "it is not a JSON object") }
        self.content = content
    }

    /// The helper for a host, without its prefix `docker-credential-`.
    func helper(for host: String) -> String? {
        for key in LoginFile.keys(host) {
            if let name = content["credHelpers"]?[key]?.string, !name.isEmpty { return name }
        }
        return content["credsStore"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The login that the file itself holds, for the most precise key: `host/namespace/name`, `host/namespace`, `host`.
    func login(host: String, repository: String) -> Login? {
        guard case .object(let logins)? = content["auths"] else { return nil }
        var name = repository
        while true {
            let keys = name.isEmpty ? LoginFile.keys(host) : LoginFile.names(host).map { "\($0)/\(name)" }
            for key in keys {
                if let login = logins[key].flatMap(LoginFile.login) { return login }
            }
            if name.isEmpty { return nil }
            name = name.lastIndex(of: "/").map { String(name[..<$0]) } ?? ""
        }
    }

    private static func login(_ entry: JSONValue) -> Login? {
        if let token = entry["identitytoken"]?.string, !token.isEmpty { return .identityToken(token) }
        if let text = entry["auth"]?.string, let bytes = Base64.decoded(text),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
        {
            // Some tools end the password with NUL.
            let password = bytes[(colon + 1)...].prefix { $0 != 0 }
            return .password(
                user: String(decoding: bytes[..<colon], as: UTF8.self),
                password: String(decoding: password, as: UTF8.self)
            )
        }
        guard let user = entry["username"]?.string, let password = entry["password"]?.string else { return nil }
        return .password(user: user, password: password)
    }

    /// The names under which tools keep the login of a host, the usual one first.
    static func keys(_ host: String) -> [String] {
        names(host).flatMap { name in
            [name, "https://\(name)", "https://\(name)/v1/", "https://\(name)/v2/", "http://\(name)"]
        }
    }

    private static func names(_ host: String) -> [String] {
        // Docker keeps that of its own registry under the name of an older one.
        host == "registry-1.docker.io" || host == "docker.io"
            ? ["index.docker.io", "docker.io", "registry-1.docker.io"] : [host]
    }

    /// What Docker calls a host in this file.
    static func key(_ host: String) -> String {
        names(host).count > 1 ? "https://index.docker.io/v1/" : host
    }

    /// Sets or, with `nil`, removes the login of a host.
    ///
    /// - Returns: Whether anything changed.
    mutating func set(_ login: Login?, for host: String) -> Bool {
        var logins: [String: JSONValue] = [:]
        if case .object(let known)? = content["auths"] { logins = known }
        let before = logins
        for key in LoginFile.keys(host) { logins[key] = nil }
        switch login {
        case .password(let user, let password):
            logins[LoginFile.key(host)] = .object(["auth": .string(Base64.encoded(Array("\(user):\(password)".utf8)))])
        case .identityToken(let token):
            logins[LoginFile.key(host)] = .object(["identitytoken": .string(token)])
        case nil: break
        }
        content["auths"] = .object(logins)
        return logins != before
    }

    /// Writes the file for its owner's eyes only.
    func save() throws {
        let directory = path.removingLastComponent()
        if FileStatus.ifPresent(directory) == nil {
            try FileOperations.createDirectories(directory)
            chmod(directory.string, 0o700)
        }
        // Where it is a link, what it leads to is written.
        let target = path.withPlatformString { realpath($0, nil) }.map { resolved in
            defer { free(resolved) }
            return FilePath(platformString: resolved)
        }
        try FileOperations.writeAtomically(
            try CanonicalJSON.encodePretty(JSONValue.object(content)) + [UInt8(ascii: "\n")],
            to: target ?? path,
            temporary: (target ?? path).removingLastComponent(),
            permissions: 0o600
        )
    }
}
