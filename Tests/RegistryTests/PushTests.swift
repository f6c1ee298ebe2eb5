import ContentStore
import FileSystem
import HTTPTransport
import OCI
import RemoteAddresses
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Registry

/// A push whose requests fail in passing.
@Suite struct PushTests {
    private final class Count: Sendable {
        private let state = Mutex(0)

        var value: Int { state.withLock { $0 } }

        func add() { state.withLock { $0 += 1 } }
    }

    /// Answers as a registry does, and lets the first requests of one kind fail.
    private final class Registry: Sendable {
        private struct State {
            var failures: Int
            var blobs: Set<String> = []
            var uploads = 0
        }

        private let state: Mutex<State>
        private let kind: String
        private let failure: @Sendable (ScriptedServers.Sent) throws -> ScriptedServers.Answer
        /// Whether a request that fails is carried out nevertheless: only the answer is lost.
        private let isDone: Bool

        init(
            _ kind: String,
            times: Int = 1,
            isDone: Bool = false,
            _ failure: @escaping @Sendable (ScriptedServers.Sent) throws -> ScriptedServers.Answer
        ) {
            state = Mutex(State(failures: times))
            self.kind = kind
            self.isDone = isDone
            self.failure = failure
        }

        var hasBlob: Bool { state.withLock { !$0.blobs.isEmpty } }

        func answer(_ sent: ScriptedServers.Sent) throws -> ScriptedServers.Answer {
            let isManifest = sent.address.path.contains("/manifests/")
            let own = sent.method.rawValue + (isManifest ? " manifest" : "")
            let fails = state.withLock { state in
                guard own == kind, state.failures > 0 else { return false }
                state.failures -= 1
                return true
            }
            if fails {
                if isDone { _ = carryOut(sent, isManifest) }
                return try failure(sent)
            }
            return carryOut(sent, isManifest)
        }

        private func carryOut(_ sent: ScriptedServers.Sent, _ isManifest: Bool) -> ScriptedServers.Answer {
            state.withLock { state in
                switch sent.method {
                case .head: return .init(status: state.blobs.isEmpty ? 404 : 200)
                case .post:
                    state.uploads += 1
                    return .init(status: 202, fields: ["Location": "/v2/a/blobs/uploads/\(state.uploads)?_state=x"])
                case .get: return .init(status: 204, fields: ["Location": sent.address.requestTarget, "Range": "0-0"])
                case .patch: return .init(status: 202, fields: ["Location": sent.address.requestTarget])
                case .put where isManifest: return .init(status: 201)
                case .put:
                    // An upload that is over is none any more.
                    guard state.uploads > 0 else { return .init(status: 404) }
                    state.uploads = 0
                    state.blobs.insert(sent.address.query ?? "")
                    return .init(status: 201)
                case .delete: return .init(status: 405)
                }
            }
        }
    }

    private func push(_ registry: Registry, size: Int64 = 3, mountedFrom other: String? = nil) async throws {
        let client = ScriptedServers { try registry.answer($0) }.client("reg.example", login: nil)
        let manifest = RemoteManifest(mediaType: .imageManifest, bytes: Array("{}".utf8))
        let blob = Descriptor(mediaType: .init(rawValue: "x/y"), digest: manifest.digest, size: size)
        if try await !client.hasBlob(blob.digest, in: "a") {
            _ = try await client.upload(blob, from: "/dev/null", to: "a", mountedFrom: other)
        }
        try await client.put(manifest, as: .tag("1"), in: "a")
    }

    /// A push that begins before the blob is whole.
    private func pushGrowing(_ registry: Registry) async throws {
        let client = ScriptedServers { try registry.answer($0) }.client("reg.example", login: nil)
        let blob = Descriptor(mediaType: .init(rawValue: "x/y"), digest: SHA256Hasher.digest(of: []), size: 20 << 20)
        let growing = GrowingFile()
        async let begun = client.begin(growing, to: "a")
        growing.grew(to: 3)
        growing.finish()
        _ = try await client.upload(blob, from: "/dev/null", to: "a", begun: await begun)
    }

    @Test("what fails while a blob is still being written never ends a push", arguments: kinds, [405, 411, 500, 503])
    func growing(kind: String, status: Int) async throws {
        // What is refused for good would be so without a beginning, too.
        guard kind == "PATCH" || status >= 500 else { return }
        let registry = Registry(kind) { _ in .init(status: status, fields: ["Retry-After": "0"]) }
        try await pushGrowing(registry)
        #expect(registry.hasBlob)
    }

    @Test("a connection that ends while a blob is still being written never ends a push", arguments: kinds)
    func growingConnections(kind: String) async throws {
        for isDone in [false, true] {
            let registry = Registry(kind, isDone: isDone) { sent in
                throw HTTPError.unreachable(sent.address, reason: "it closed the connection")
            }
            try await pushGrowing(registry)
            #expect(registry.hasBlob)
        }
    }

    @Test("a blob that is never finished is not sent")
    func abandoned() async throws {
        let servers = ScriptedServers { _ in .init(status: 202, fields: ["Location": "/v2/a/blobs/uploads/1"]) }
        let client = servers.client("reg.example", login: nil)
        let growing = GrowingFile()
        growing.abandon()
        let begun = await client.begin(growing, to: "a")
        #expect(begun == nil)
        #expect(servers.requests.isEmpty)
    }

    private static let kinds = ["HEAD", "POST", "PATCH", "PUT", "GET", "PUT manifest"]

    @Test("an answer of 408, 429 or 5xx never ends a push", arguments: kinds, [408, 429, 500, 502, 503, 504])
    func statuses(kind: String, status: Int) async throws {
        for size in [3, 20 << 20] as [Int64] {
            let registry = Registry(kind) { _ in .init(status: status, fields: ["Retry-After": "0"]) }
            try await push(registry, size: size)
            #expect(registry.hasBlob)
        }
    }

    @Test("a connection that ends never ends a push", arguments: kinds)
    func connections(kind: String) async throws {
        for size in [3, 20 << 20] as [Int64] {
            for isDone in [false, true] {
                let registry = Registry(kind, isDone: isDone) { sent in
                    throw HTTPError.unreachable(sent.address, reason: "it closed the connection")
                }
                try await push(registry, size: size)
                #expect(registry.hasBlob)
            }
        }
    }

    @Test("a registry that does not tell whether it has a blob gets it", arguments: [403, 404, 405])
    func head(status: Int) async throws {
        let registry = Registry("HEAD", times: 9) { _ in .init(status: status) }
        try await push(registry)
        #expect(registry.hasBlob)
    }

    @Test("a registry that knows nothing of mounting gets the blob", arguments: [400, 403, 404, 405])
    func mounting(status: Int) async throws {
        let registry = Registry("POST") { sent in
            #expect(sent.address.query?.contains("mount=") == true)
            return .init(status: status)
        }
        try await push(registry, mountedFrom: "other/repository")
        #expect(registry.hasBlob)
    }

    @Test(
        "a blob that several tasks provide at once is sent once, and not asked for afterwards",
        arguments: [3, 20 << 20]
    )
    func joined(size: Int64) async throws {
        let registry = Registry("PUT", times: 1) { sent in
            throw HTTPError.truncated(sent.address, received: 0, expected: nil)
        }
        let puts = Count()
        let client = ScriptedServers { sent in
            if sent.method == .put || sent.method == .head { puts.add() }
            return try registry.answer(sent)
        }.client("reg.example", login: nil)
        let blob = Descriptor(mediaType: .init(rawValue: "x/y"), digest: SHA256Hasher.digest(of: "x"), size: size)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { try await client.provide(blob, from: "/dev/null", to: "a") } }
            try await group.waitForAll()
        }
        // The first answer is lost; what is larger is asked for before.
        #expect(registry.hasBlob && puts.value <= (size == 3 ? 2 : 4))
        let before = puts.value
        #expect(try await client.hasBlob(blob.digest, in: "a"))
        #expect(puts.value == before)
        client.forgetBlobs(in: "a")
        #expect(try await client.hasBlob(blob.digest, in: "a"))
        #expect(puts.value == before + 1)
    }

    @Test("what is wrong for good ends a push", arguments: ["POST", "PUT", "PUT manifest"], [401, 403, 413])
    func refusals(kind: String, status: Int) async throws {
        let registry = Registry(kind, times: 99) { _ in .init(status: status) }
        await #expect(throws: RegistryError.self) { try await push(registry) }
    }

    @Test("what fails again and again ends a push", arguments: kinds.filter { $0 != "GET" && $0 != "PATCH" })
    func lastingFailures(kind: String) async throws {
        let registry = Registry(kind, times: .max) { _ in .init(status: 503) }
        await #expect(throws: RegistryError.self) { try await push(registry) }
    }
}
