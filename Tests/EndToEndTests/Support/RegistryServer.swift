internal import Foundation
internal import Glibc
internal import SystemPackage

/// A registry of Debian's `docker-registry` on loopback, and the proxy of `Servers/registry-proxy` in front of it.
struct RegistryServer: Sendable {
    static let isAvailable = Machine.has("docker-registry") && Machine.has("python3")
    static let needs = "needs docker-registry and python3"

    /// How the registry wants to be talked to.
    enum Kind: Sendable {
        case open
        /// Name `user`, password `pass word`, asked for by the registry itself.
        case basic
        /// The same, by a token server; the lifetime of tokens in seconds.
        case bearer(lifetime: Int)
        /// With a certificate of a CA that nobody knows; clients have to show theirs where it says so.
        case secure(asksClients: Bool = false)
        /// A pull-through mirror of the registry at a port.
        case mirror(of: Int)
    }

    /// The registry's own port.
    let port: Int
    /// The port of the proxy, or for `.mirror` and `.basic` the registry's own.
    let host: String
    let control: FilePath
    /// The certificate of `.secure`, and its key.
    var certificate: FilePath { control.appending("cert.pem") }
    var key: FilePath { control.appending("key.pem") }

    /// Runs a test with a registry, which is gone afterwards.
    static func with(_ f: BuildFixture, _ kind: Kind = .open, _ body: (RegistryServer) async throws -> Void)
        async throws
    {
        let control = f.scratch.appending("registry-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: control.string, withIntermediateDirectories: true)
        let port = try freePort()
        var configuration = """
            version: 0.1
            log: {level: error}
            storage:
              filesystem: {rootdirectory: \(control)/data}
              delete: {enabled: true}
            http: {addr: "127.0.0.1:\(port)", relativeurls: true}

            """
        switch kind {
        case .basic:
            // `user` and `pass word`, by bcrypt.
            try Data("user:\(passwordHash)\n".utf8).write(to: URL(fileURLWithPath: control.appending("users").string))
            configuration += "auth: {htpasswd: {realm: test, path: \(control)/users}}\n"
        case .mirror(let upstream): configuration += "proxy: {remoteurl: \"http://127.0.0.1:\(upstream)\"}\n"
        case .bearer(let lifetime):
            try Data("\(lifetime)".utf8).write(to: URL(fileURLWithPath: control.appending("bearer").string))
        case .secure(true):
            // Anybody's certificate is as good as another here: the server's own.
            try FileManager.default.createSymbolicLink(
                atPath: control.appending("clients").string,
                withDestinationPath: control.appending("cert.pem").string
            )
        case .open, .secure: break
        }
        let file = control.appending("config.yml")
        try Data(configuration.utf8).write(to: URL(fileURLWithPath: file.string))
        try await running(f, ["docker-registry", "serve", file.string]) {
            try await waitUntil("the registry") { isListening(port) }
            var script = [Machine.repository.appending("Tests/EndToEndTests/Servers/registry-proxy").string]
            script += ["\(port)", control.string]
            if case .secure = kind {
                let (certificate, key) = (control.appending("cert.pem"), control.appending("key.pem"))
                let made = try await Machine.run(
                    [
                        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key.string,
                        "-out", certificate.string, "-subj", "/CN=127.0.0.1", "-addext",
                        "subjectAltName=IP:127.0.0.1",
                    ],
                    in: f.scratch
                )
                guard made.status == 0 else { throw TestFailure("\(made)") }
                script += [certificate.string, key.string]
            }
            try await running(f, ["python3"] + script) {
                try await waitUntil("the proxy") { fileExists(control.appending("port")) }
                let proxy = String(decoding: try readFile(control.appending("port")), as: UTF8.self)
                let isDirect =
                    switch kind {
                    case .basic, .mirror: true
                    case .open, .bearer, .secure: false
                    }
                try await body(
                    RegistryServer(
                        port: port,
                        host: "127.0.0.1:\(isDirect ? "\(port)" : proxy)",
                        control: control
                    )
                )
            }
        }
    }

    private static let passwordHash = "$2b$05$ioqeaBl4.qXO9Jg3sfE9yerPSv2Jzi9umwLLRPTure7RvJ7kcyKo6"

    /// What goes wrong from now on, as `Servers/registry-proxy` describes it.
    func fail(_ faults: String...) throws {
        try Data((faults.joined(separator: "\n") + "\n").utf8)
            .write(to: URL(fileURLWithPath: control.appending("faults").string))
    }

    /// The requests that went through the proxy: method, path, status, kind of authorisation.
    var requests: [String] {
        let text = (try? readFile(control.appending("log"))).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    /// The manifest of a tag as the registry has it.
    func manifest(_ repository: String, _ tag: String, in directory: FilePath) async throws -> String {
        let types =
            ["oci.image.manifest.v1", "oci.image.index.v1", "docker.distribution.manifest.v2"]
            + ["docker.distribution.manifest.list.v2"]
        let program = """
            import sys, urllib.request
            request = urllib.request.Request(sys.argv[1], headers={"Accept": sys.argv[2]})
            sys.stdout.write(urllib.request.urlopen(request).read().decode())
            """
        let accepted = types.map { "application/vnd.\($0)+json" }.joined(separator: ",")
        let address = "http://127.0.0.1:\(port)/v2/\(repository)/manifests/\(tag)"
        let result = try await Machine.run(["python3", "-c", program, address, accepted], in: directory)
        guard result.status == 0 else { throw TestFailure("\(result)") }
        return result.outputText
    }

    func forgetRequests() throws {
        for name in ["log", "times"] { try Data().write(to: URL(fileURLWithPath: control.appending(name).string)) }
    }

    /// The longest chain of requests of which each began when the one before it had ended: what a build waits for where
    /// every request takes as long as the network does.
    var longestChain: [String] {
        let text = (try? readFile(control.appending("times"))).map { String(decoding: $0, as: UTF8.self) } ?? ""
        var chain: [String] = []
        var last = -Double.infinity
        // Those that end first leave the most room for others.
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count == 3, let begin = Double(words[0]), let end = Double(words[1]), begin >= last else {
                continue
            }
            last = end
            chain.append(String(words[2]))
        }
        return chain
    }

    private static func running(_ f: BuildFixture, _ arguments: [String], _ body: () async throws -> Void) async throws
    {
        let process = try RunningCommand(
            arguments,
            environment: ["PATH": Machine.searchPath, "HOME": f.scratch.string, "OTEL_TRACES_EXPORTER": "none"],
            directory: f.scratch,
            logs: f.scratch
        )
        // Long enough for many rounds (`SWIFTBUILD_ROUNDS`).
        let end = Task { await process.waitForStatus(limit: .seconds(7200)) }
        do {
            try await body()
        } catch {
            process.signal(SIGKILL)
            _ = await end.value
            throw error
        }
        process.signal(SIGKILL)
        _ = await end.value
    }

    private static func waitUntil(_ what: String, _ condition: () -> Bool) async throws {
        for _ in 0..<3000 {
            if condition() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw TestFailure("\(what) of the test did not start")
    }

    private static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func isListening(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = address(port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// A port that is free, and not one of those that the kernel gives to whoever asks for any.
    static func freePort() throws -> Int {
        for _ in 0..<100 {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            let port = Int.random(in: 10_000..<32_000)
            var address = address(port)
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            if result == 0 { return port }
        }
        throw TestFailure("no port is free")
    }
}
