import FileSystem
import HTTPTransport
import OCI
import RemoteAddresses
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Registry

/// Logins, tokens and secrets go to the server that they are for, whatever another one says.
@Suite struct CredentialTests {
    private static let digest = "sha256:" + String(repeating: "0", count: 64)

    private func blob(_ size: Int64 = 3) throws -> Descriptor {
        Descriptor(mediaType: .init(rawValue: "x/y"), digest: try Digest(parsing: CredentialTests.digest), size: size)
    }

    private func upload(_ servers: ScriptedServers, _ host: String, isInsecure: Bool = false) async throws {
        _ = try await servers.client(host, isInsecure: isInsecure)
            .upload(try blob(), from: "/dev/null", to: "team/app", mountedFrom: nil)
    }

    @Test(
        "an upload gets the login at the registry only",
        arguments: [
            ("/upload/1", true), ("https://reg.example/upload/1", true), ("https://reg.example:443/upload/1", true),
            ("https://REG.example/upload/1", true), ("//reg.example/upload/1", true), ("../../x", true),
            ("https://reg.example:444/upload/1", false), ("https://reg.example.evil/upload/1", false),
            ("https://reg.example@evil/upload/1", false), ("//evil/upload/1", false),
            ("https://evil/v2/reg.example/1", false),
        ]
    )
    func uploads(location: String, hasLogin: Bool) async throws {
        let servers = ScriptedServers { sent in
            if sent.method == .post {
                return sent.authorization == nil
                    ? .challenge("Basic realm=\"x\"") : .init(status: 202, fields: ["Location": location])
            }
            return .init(status: 201)
        }
        try await upload(servers, "reg.example")
        let last = try #require(servers.requests.last)
        #expect(last.method == .put && last.hasSecret == hasLogin, "\(last)")
        #expect(hasLogin == (last.address.authorityText == "reg.example"))
    }

    @Test("an upload does not leave https", arguments: ["http://reg.example/upload/1", "http://evil/upload/1"])
    func downgradedUpload(location: String) async throws {
        let servers = ScriptedServers { sent in
            sent.method == .post ? .init(status: 202, fields: ["Location": location]) : .init(status: 201)
        }
        await #expect(throws: RegistryError.self) { try await upload(servers, "reg.example") }
        #expect(!servers.requests.contains { $0.method == .put })
    }

    @Test(
        "a server that the registry only leads to does not choose who gets the login",
        arguments: [
            "Bearer realm=\"https://evil/token\"", "Bearer realm=\"https://reg.example/token\"", "Basic realm=\"x\"",
        ]
    )
    func foreignChallenge(challenge: String) async throws {
        let servers = ScriptedServers { sent in
            sent.address.host == "reg.example" ? .redirect(307, "https://storage.example/m") : .challenge(challenge)
        }
        await #expect(throws: RegistryError.self) {
            try await servers.client("reg.example").manifest(.tag("1"), in: "team/app")
        }
        #expect(!servers.requests.contains { $0.hasSecret }, "\(servers.requests)")
        #expect(servers.requests(at: "evil").isEmpty)
    }

    @Test("an upload elsewhere that wants a login gets none")
    func foreignUploadChallenge() async throws {
        let servers = ScriptedServers { sent in
            switch sent.address.host {
            case "reg.example": .init(status: 202, fields: ["Location": "https://storage.example/u"])
            default: .challenge("Bearer realm=\"https://evil/token\"")
            }
        }
        await #expect(throws: RegistryError.self) { try await upload(servers, "reg.example") }
        #expect(!servers.requests.contains { $0.hasSecret })
        #expect(servers.requests(at: "evil").isEmpty)
    }

    @Test(
        "a token server gets the password by https, or as the registry itself that has none",
        arguments: [
            ("reg.example", false, "https://auth.example/token", true), ("reg.example", false, "/token", true),
            ("reg.example", false, "http://auth.example/token", false),
            ("reg.example", false, "http://reg.example/token", false),
            ("reg.example", false, "http://reg.example:443/token", false),
            ("plain.example:5000", true, "http://plain.example:5000/token", true),
            ("plain.example:5000", true, "http://plain.example:5001/token", false),
            ("plain.example:5000", true, "http://plain.example/token", false),
            ("plain.example:5000", true, "https://auth.example/token", true),
            ("plain.example", true, "http://plain.example:80/token", true),
        ]
    )
    func realms(host: String, isPlain: Bool, realm: String, getsLogin: Bool) async throws {
        let servers = ScriptedServers { sent in
            if isPlain, sent.address.scheme == .https, sent.address.authorityText == host {
                throw HTTPError.unreachable(sent.address, reason: "no TLS here")
            }
            if sent.address.path == "/token" { return .init(status: 200, body: #"{"token":"t"}"#) }
            return sent.authorization == "Bearer t" ? .init(status: 404) : .challenge("Bearer realm=\"\(realm)\"")
        }
        let client = servers.client(host, isInsecure: isPlain)
        let error = await #expect(throws: RegistryError.self) { try await client.manifest(.tag("1"), in: "team/app") }
        let tokens = servers.requests.filter { $0.address.path == "/token" }
        #expect(tokens.contains { $0.hasSecret } == getsLogin, "\(servers.requests)")
        if case .unsafeLogin = error?.reason { #expect(!getsLogin) } else { #expect(getsLogin) }
        // Without a login there is nothing to lose.
        let anonymous = servers.client(host, isInsecure: isPlain, login: nil)
        let missing = await #expect(throws: RegistryError.self) {
            try await anonymous.manifest(.tag("1"), in: "team/app")
        }
        #expect(missing?.isNotFound == true)
    }

    @Test(
        "a refresh token is not redirected to another server",
        arguments: [301, 302, 303, 307, 308],
        [
            "https://evil/token", "https://auth.example:444/token", "http://auth.example/token", "/other",
        ]
    )
    func redirectedRefreshToken(status: Int, location: String) async throws {
        let servers = ScriptedServers { sent in
            switch sent.address.description {
            case "https://auth.example/token": .redirect(status, location)
            case "https://auth.example/other": .init(status: 200, body: #"{"access_token":"t"}"#)
            default:
                sent.address.host == "reg.example"
                    ? .challenge("Bearer realm=\"https://auth.example/token\"") : .init(status: 200)
            }
        }
        let client = servers.client("reg.example", login: .identityToken("SECRET"))
        await #expect(throws: RegistryError.self) { try await client.manifest(.tag("1"), in: "team/app") }
        #expect(!servers.requests.contains { $0.address.host == "evil" && $0.hasSecret }, "\(servers.requests)")
        #expect(servers.requests(at: "auth.example:444").allSatisfy { !$0.hasSecret })
        #expect(servers.requests.allSatisfy { $0.address.scheme == .https })
    }

    @Test("a password is not redirected with the request for a token")
    func redirectedTokenRequest() async throws {
        let servers = ScriptedServers { sent in
            switch sent.address.host {
            case "reg.example": .challenge("Bearer realm=\"https://auth.example/token\"")
            case "auth.example": .redirect(307, "https://evil/token")
            default: .init(status: 200, body: #"{"token":"t"}"#)
            }
        }
        await #expect(throws: RegistryError.self) {
            try await servers.client("reg.example").manifest(.tag("1"), in: "team/app")
        }
        #expect(servers.requests(at: "auth.example").contains { $0.hasSecret })
        #expect(servers.requests(at: "evil").count > 0 && servers.requests(at: "evil").allSatisfy { !$0.hasSecret })
    }

    @Test("each repository gets its own login")
    func repositories() async throws {
        struct ByRepository: LoginSource {
            func login(host: String, repository: String) async throws -> Login? {
                .password(user: repository, password: "x")
            }
        }
        let servers = ScriptedServers { $0.authorization == nil ? .challenge("Basic realm=x") : .init(status: 404) }
        let client = RegistryClient(
            RegistryEndpoint(host: "reg.example"),
            session: HTTPSession(servers, firstPause: 0),
            logins: ByRepository()
        )
        for name in ["a/x", "b/x"] { _ = try? await client.manifest(.tag("1"), in: name) }
        let expected = ["a/x", "b/x"].map { Login.password(user: $0, password: "x").basicAuthorization }
        #expect(servers.requests.last?.authorization == expected[1])
        #expect(servers.requests.compactMap(\.authorization).contains(expected[0] ?? ""))
    }
}
