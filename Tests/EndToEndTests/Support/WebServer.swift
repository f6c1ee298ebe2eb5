internal import Foundation
internal import Glibc
internal import SystemPackage

/// The server of `Servers/web-server` on loopback, which serves a directory of a fixture.
struct WebServer: Sendable {
    static let isAvailable = Machine.has("python3")
    static let needs = "needs python3: it serves the files"

    /// What it serves.
    let directory: FilePath
    let port: Int
    let control: FilePath
    private let isSecure: Bool

    var authority: String { "127.0.0.1:\(port)" }
    var address: String { "\(isSecure ? "https" : "http")://\(authority)" }

    /// Runs a test with a server, which is gone afterwards.
    ///
    /// - Parameters:
    ///   - script: The one of `Servers`.
    ///   - certificate: A certificate and its key as PEM files, for https.
    static func with(
        _ f: BuildFixture,
        script: String = "web-server",
        certificate: (certificate: FilePath, key: FilePath)? = nil,
        _ body: (WebServer) async throws -> Void
    ) async throws {
        let name = UUID().uuidString
        let directory = f.scratch.appending("served-\(name)")
        let control = f.scratch.appending("control-\(name)")
        for path in [directory, control] {
            try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
        }
        let script = Machine.repository.appending("Tests").appending("EndToEndTests").appending("Servers")
            .appending(script)
        let process = try RunningCommand(
            ["python3", script.string, directory.string, control.string]
                + (certificate.map { [$0.certificate.string, $0.key.string] } ?? []),
            environment: ["PATH": Machine.searchPath, "HOME": f.scratch.string],
            directory: f.scratch,
            logs: f.scratch
        )
        let waiting = Task { await process.waitForStatus() }
        defer { process.signal(SIGKILL) }
        try await waitUntil { fileExists(control.appending("port")) }
        guard let port = Int(String(decoding: try readFile(control.appending("port")), as: UTF8.self)) else {
            throw TestFailure("the server of the test did not start")
        }
        try await body(WebServer(directory: directory, port: port, control: control, isSecure: certificate != nil))
        process.signal(SIGKILL)
        _ = await waiting.value
    }

    /// Writes a file to be served.
    func write(_ path: String, _ text: String, modified: Int? = nil) throws {
        try write(path, bytes: Array(text.utf8), modified: modified)
    }

    func write(_ path: String, bytes: [UInt8], modified: Int? = nil) throws {
        let file = directory.pushing(FilePath(path))
        try FileManager.default.createDirectory(
            atPath: file.removingLastComponent().string,
            withIntermediateDirectories: true
        )
        try Data(bytes).write(to: URL(fileURLWithPath: file.string))
        if let modified {
            var times = [timespec(tv_sec: modified, tv_nsec: 0), timespec(tv_sec: modified, tv_nsec: 0)]
            utimensat(AT_FDCWD, file.string, &times, 0)
        }
    }

    /// The requests so far: method, path, and which of the fields came that matter.
    var requests: [String] {
        let text = (try? readFile(control.appending("log"))).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return text.split(separator: "\n").map(String.init)
    }
}

/// Git repositories of tests.
struct GitFixture: Sendable {
    static let isAvailable = Machine.has("git")
    static let needs = "needs git"

    /// The work tree.
    let path: FilePath

    /// Makes a repository, bare ones with `.git` at the end of their name from a work tree beside it.
    init(_ path: FilePath) async throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
        try await run("init", "-q", "-b", "main", ".")
    }

    /// Runs a command in the work tree, always at the same time, so that commits have the same digests.
    @discardableResult
    func run(_ arguments: String...) async throws -> String {
        let environment = [
            "GIT_AUTHOR_DATE": "1600000000 +0000", "GIT_COMMITTER_DATE": "1600000000 +0000",
            "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_ALLOW_PROTOCOL": "file:http",
        ]
        let result = try await Machine.run(["git"] + arguments, environment: environment, in: path)
        guard result.status == 0 else { throw TestFailure("\(result)") }
        for name in try FileManager.default.contentsOfDirectory(atPath: path.string)
        where name.hasSuffix(".out") || name.hasSuffix(".err") {
            try FileManager.default.removeItem(atPath: path.appending(name).string)
        }
        return result.line
    }

    /// Writes files and commits them.
    ///
    /// - Returns: The commit.
    @discardableResult
    func commit(_ files: [String: String], executable: Set<String> = []) async throws -> String {
        for (name, text) in files {
            let file = path.pushing(FilePath(name))
            try FileManager.default.createDirectory(
                atPath: file.removingLastComponent().string,
                withIntermediateDirectories: true
            )
            try Data(text.utf8).write(to: URL(fileURLWithPath: file.string))
            if executable.contains(name) { chmod(file.string, 0o755) }
            try await run("add", name)
        }
        try await run("commit", "-q", "-m", "a commit")
        return try await run("rev-parse", "HEAD")
    }
}
