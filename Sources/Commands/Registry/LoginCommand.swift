import ArgumentParser
import BuildEngine
import CommandSupport
import FileSystem
import Glibc
import OCI
import Registry
import Reporting
import SystemPackage
import TerminalUI

/// `swiftbuild login`.
struct LoginCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: "Save a name and password for a registry, after checking them.",
        discussion: """
            They are saved where Docker saves them (~/.docker/config.json, or REGISTRY_AUTH_FILE), or by the \
            credential helper configured there.

            EXAMPLES:
              swiftbuild login registry.example.com
              echo "$TOKEN" | swiftbuild login -u ci --password-stdin registry.example.com
            """
    )

    @Option(name: [.customShort("u"), .customLong("username")], help: "The name.")
    var user: String?

    @Flag(name: .customLong("password-stdin"), help: "Read the password from standard input.")
    var readsPassword = false

    @Option(name: [.customShort("p"), .customLong("password")], help: .hidden)
    var password: String?

    @Argument(help: "The registry (default: Docker's own).")
    var registry: String = "docker.io"

    func run() async throws -> ExitStatus {
        guard password == nil else {
            throw UserError(
                "everyone on this machine can read a password in the arguments",
                hints: ["`--password-stdin` reads it from standard input"],
                status: .usage
            )
        }
        let host = try LoginCommand.host(registry)
        let user = try self.user ?? LoginCommand.ask("Username: ", hidden: false)
        guard !user.isEmpty, !user.contains(":") else {
            throw UserError("the name is empty or has a colon in it", status: .usage)
        }
        let password = try readsPassword ? LoginCommand.standardInput() : LoginCommand.ask("Password: ", hidden: true)
        guard !password.isEmpty else { throw UserError("the password is empty", status: .usage) }
        let login = Login.password(user: user, password: password)
        let environment = ProcessEnvironment.variables
        try await RegistryConnections(environment: environment, logins: GivenLogin(login: login)).check(host)
        switch try await Logins(environment: environment).keep(login, for: host) {
        case .file(let path):
            Terminal.write("note: the password is kept unencrypted in \(path)\n", to: STDERR_FILENO)
        case .helper(let name): Terminal.write("note: docker-credential-\(name) keeps it\n", to: STDERR_FILENO)
        }
        Terminal.print("Login Succeeded")
        return .success
    }

    /// The host of what people write: `https://registry.example.com/v2/` means its host.
    static func host(_ text: String) throws -> String {
        var rest = Substring(text)
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        let host = rest.prefix { $0 != "/" }
        guard let reference = try? ImageReference(parsing: "\(host)/x"),
            reference.registry == host
                || (host == "index.docker.io" && reference.registry == "docker.io")
        else {
            throw UserError(
                "`\(text)` is not a registry: expected a host, with a port where it needs one",
                status: .usage
            )
        }
        return reference.registry == "docker.io" ? "registry-1.docker.io" : reference.registry
    }

    private static func standardInput() throws -> String {
        let bytes = try FileOperations.read(descriptor: STDIN_FILENO, path: "standard input", limit: 1 << 16)
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        return String(decoding: line, as: UTF8.self)
    }

    private static func ask(_ prompt: String, hidden: Bool) throws -> String {
        guard Terminal.isTerminal(STDIN_FILENO) else {
            throw UserError(
                "cannot prompt: standard input is not a terminal",
                hints: ["use `-u NAME --password-stdin`"],
                status: .usage
            )
        }
        Terminal.write(prompt, to: STDERR_FILENO)
        var before = termios()
        tcgetattr(STDIN_FILENO, &before)
        if hidden {
            var silent = before
            silent.c_lflag &= ~tcflag_t(ECHO)
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        }
        defer {
            if hidden {
                tcsetattr(STDIN_FILENO, TCSAFLUSH, &before)
                Terminal.write("\n", to: STDERR_FILENO)
            }
        }
        return readLine(strippingNewline: true) ?? ""
    }
}

/// The login that is being tried.
private struct GivenLogin: LoginSource {
    let login: Login

    func login(host: String, repository: String) async throws -> Login? { login }
}

/// `swiftbuild logout`.
struct LogoutCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "logout",
        abstract: "Forget the name and password for a registry.",
        discussion: """
            EXAMPLES:
              swiftbuild logout registry.example.com
            """
    )

    @Argument(help: "The registry (default: Docker's own).")
    var registry: String = "docker.io"

    func run() async throws -> ExitStatus {
        let host = try LoginCommand.host(registry)
        let wasThere = try await Logins(environment: ProcessEnvironment.variables).forget(host)
        Terminal.print(wasThere ? "Removing login credentials for \(host)" : "Not logged in to \(host)")
        return .success
    }
}
