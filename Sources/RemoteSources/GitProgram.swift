internal import ChildProcesses
internal import FileSystem
internal import RemoteAddresses
internal import SystemPackage

/// The system's `git`, which never prompts and ignores configuration that changes files.
struct GitProgram: Sendable {
    private let environment: [String: String]

    init(environment: [String: String]) {
        // `GIT_DIR` and its kind, as hooks set them, point to other repositories.
        let kept = ["GIT_SSH", "GIT_SSL", "GIT_CONFIG_", "GIT_PROXY", "GIT_HTTP", "GIT_CURL", "GIT_TRACE"]
        var own = environment.filter { name, _ in
            !name.hasPrefix("GIT_") || kept.contains { name.hasPrefix($0) }
        }
        // Counted below; a set of the caller's would need renumbering.
        own = own.filter { !$0.key.hasPrefix("GIT_CONFIG_KEY_") && !$0.key.hasPrefix("GIT_CONFIG_VALUE_") }
        own["LC_ALL"] = "C"
        own["GIT_TERMINAL_PROMPT"] = "0"
        own["GIT_ASKPASS"] = "true"
        own["SSH_ASKPASS"] = "true"
        if own["GIT_SSH_COMMAND"] == nil, own["GIT_SSH"] == nil { own["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes" }
        self.environment = own
    }

    /// Runs a command, which has to succeed.
    ///
    /// - Parameters:
    ///   - doing: What it does with the repository, for the message.
    ///   - isLocal: Whether it fetches from a repository of the store.
    /// - Returns: Its standard output.
    /// - Throws: `RemoteSourceError.git`, `.gitMissing`, `CancellationError`.
    @discardableResult
    func run(_ arguments: [String], _ address: GitAddress, _ doing: String, isLocal: Bool = false) async throws
        -> String
    {
        let result = try await attempt(arguments, address, isLocal: isLocal)
        guard result.status == 0 else {
            throw RemoteSourceError.git(address, doing: doing, output: GitProgram.reason(result, address))
        }
        return result.output
    }

    /// Runs a command that may fail.
    func attempt(_ arguments: [String], _ address: GitAddress, isLocal: Bool = false) async throws
        -> ChildProcess.Result
    {
        var settings = [
            "advice.detachedHead": "false", "core.autocrlf": "false", "core.fsmonitor": "false",
            "core.hooksPath": "/dev/null", "gc.auto": "0", "init.defaultBranch": "main", "init.templateDir": "",
            "maintenance.auto": "false", "submodule.recurse": "false", "safe.bareRepository": "all",
        ]
        // Not on the command line, which every user of the machine can read.
        if let credentials = address.credentials, let origin = address.origin {
            settings["http.\(origin).extraHeader"] = "Authorization: " + credentials.basicAuthorization
        }
        var environment = environment
        environment["GIT_ALLOW_PROTOCOL"] =
            "http:https:ssh:git" + (isLocal || address.remote.hasPrefix("file://") ? ":file" : "")
        environment["GIT_CONFIG_COUNT"] = String(settings.count)
        for (index, setting) in settings.sorted(by: { $0.key < $1.key }).enumerated() {
            environment["GIT_CONFIG_KEY_\(index)"] = setting.key
            environment["GIT_CONFIG_VALUE_\(index)"] = setting.value
        }
        do {
            // Files are made with the modes that a umask of 022 gives, whatever that of this process is.
            let shell = ["/bin/sh", "-c", #"umask 022 && exec git "$@""#, "git"]
            let result = try await ChildProcess.run(shell + arguments, environment: environment)
            if result.status == 127 { throw RemoteSourceError.gitMissing("there is none in PATH") }
            return result
        } catch let error as SystemError {
            throw RemoteSourceError.gitMissing(error.errno.sentence)
        }
    }

    /// The lines of an error that say something, without credentials.
    private static func reason(_ result: ChildProcess.Result, _ address: GitAddress) -> String {
        let lines = result.errors.split(whereSeparator: \.isNewline).map(String.init)
        let telling = lines.filter { line in
            ["fatal: ", "error: ", "remote: ", "ERROR: "].contains { line.hasPrefix($0) }
        }
        var text = (telling.isEmpty ? lines.suffix(3) : telling[...]).joined(separator: "; ")
        for secret in [address.credentials?.password, address.credentials?.name].compactMap({ $0 })
        where secret.count > 2 {
            text = text.replacing(secret, with: "xxx")
        }
        return text.isEmpty ? "git ended with exit code \(result.status)" : text
    }
}
