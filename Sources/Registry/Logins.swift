internal import FileSystem
internal import OCI
public import SystemPackage

/// The logins of the user, where Docker and podman keep them.
public struct Logins: LoginSource {
    private let environment: [String: String]
    /// In the order in which they are looked at; `login` writes the first one.
    private let paths: [FilePath]

    /// `REGISTRY_AUTH_FILE` alone, where it is set; else `DOCKER_CONFIG` or `~/.docker`, and podman's two places.
    public init(environment: [String: String]) {
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        self.environment = environment
        if let file = variable("REGISTRY_AUTH_FILE") {
            paths = [FilePath(file)]
            return
        }
        let home = FilePath(variable("HOME") ?? "/")
        let docker = variable("DOCKER_CONFIG").map { FilePath($0) } ?? home.appending(".docker")
        var paths = [docker.appending("config.json")]
        if let runtime = variable("XDG_RUNTIME_DIR") {
            paths.append(FilePath(runtime).appending("containers").appending("auth.json"))
        }
        let config = variable("XDG_CONFIG_HOME").map { FilePath($0) } ?? home.appending(".config")
        paths.append(config.appending("containers").appending("auth.json"))
        self.paths = paths
    }

    public func login(host: String, repository: String) async throws -> Login? {
        for path in paths {
            let file = try LoginFile(path)
            if let name = file.helper(for: host) {
                if let login = try await CredentialHelper(name, environment: environment).login(for: host) {
                    return login
                }
            }
            if let login = file.login(host: host, repository: repository) { return login }
        }
        return nil
    }

    /// Where a login is kept.
    public enum Place: Sendable {
        case file(FilePath)
        case helper(String)
    }

    /// Keeps a login, with the helper that is set up for the host, or in the file.
    public func keep(_ login: Login, for host: String) async throws -> Place {
        var file = try LoginFile(paths[0])
        if let name = file.helper(for: host) {
            try await CredentialHelper(name, environment: environment).store(login, for: host)
            return .helper(name)
        }
        if file.set(login, for: host) { try file.save() }
        return .file(file.path)
    }

    /// Forgets the login of a host.
    ///
    /// - Returns: Whether there was one.
    public func forget(_ host: String) async throws -> Bool {
        var wasThere = false
        for path in paths {
            var file = try LoginFile(path)
            if let name = file.helper(for: host), try await CredentialHelper(name, environment: environment).erase(host)
            {
                wasThere = true
            }
            if file.login(host: host, repository: "") != nil, file.set(nil, for: host) {
                try file.save()
                wasThere = true
            }
        }
        return wasThere
    }
}
