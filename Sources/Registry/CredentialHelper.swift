internal import ChildProcesses
internal import FileSystem
internal import OCI
internal import SystemPackage

/// A program `docker-credential-NAME` that keeps logins (github.com/docker/docker-credential-helpers).
///
/// Secrets go through its standard input and output, never through arguments.
struct CredentialHelper {
    private let program: String
    private let environment: [String: String]

    init(_ name: String, environment: [String: String]) {
        program = "docker-credential-" + name
        self.environment = environment
    }

    private struct Entry: Codable {
        var ServerURL: String
        var Username: String
        var Secret: String
    }

    /// The login for a host; `nil` when the helper has none.
    func login(for host: String) async throws -> Login? {
        for key in [LoginFile.key(host), host, "https://\(host)"] {
            let result = try await run("get", Array(key.utf8), host)
            guard result.status == 0 else {
                // All helpers report a missing entry on standard output, in the same words.
                if result.output.contains("credentials not found") { continue }
                throw LoginError.helperFailed(program, host: host, message: failure(result))
            }
            guard let entry = try? CanonicalJSON.decode(Entry.self, from: Array(result.output.utf8)) else {
                throw LoginError.helperFailed(program, host: host, message: "its answer is not valid")
            }
            return entry.Username == "<token>"
                ? .identityToken(entry.Secret) : .password(user: entry.Username, password: entry.Secret)
        }
        return nil
    }

    func store(_ login: Login, for host: String) async throws {
        var entry = Entry(ServerURL: LoginFile.key(host), Username: "<token>", Secret: "")
        switch login {
        case .password(let user, let password): (entry.Username, entry.Secret) = (user, password)
        case .identityToken(let token): entry.Secret = token
        }
        let result = try await run("store", try CanonicalJSON.encode(entry), host)
        guard result.status == 0 else {
            throw LoginError.helperFailed(
                program,
                host: host,
                message: "it cannot store the login (exit code \(result.status))"
            )
        }
    }

    /// - Returns: Whether there was one.
    func erase(_ host: String) async throws -> Bool {
        try await run("erase", Array(LoginFile.key(host).utf8), host).status == 0
    }

    private func run(_ action: String, _ input: [UInt8], _ host: String) async throws -> ChildProcess.Result {
        do {
            return try await ChildProcess.run([program, action], environment: environment, input: input)
        } catch let error as SystemError where error.errno == .noSuchFileOrDirectory {
            throw LoginError.helperMissing(program, host: host)
        }
    }

    /// The first line of what it says of its failure.
    private func failure(_ result: ChildProcess.Result) -> String {
        let text = result.errors.isEmpty ? result.output : result.errors
        let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? "exit code \(result.status)"
        return String(line.prefix(200))
    }
}
