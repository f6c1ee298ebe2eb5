import Dispatch
import Glibc
import RemoteAddresses
import SystemPackage

@testable import HTTPTransport
@testable import OCI
@testable import Registry

extension Fuzzing {
    /// A server that answers with the input, on a real connection: the parser is only the first of what reads it.
    private static let server = FuzzedServer()
    private static let session: HTTPSession = {
        var settings = NetworkExchange.Settings()
        settings.readTimeout = 2
        return HTTPSession(NetworkExchange(settings), attempts: 2, firstPause: 0)
    }()

    static func http(_ bytes: [UInt8]) {
        // It would be waited for.
        guard bytes.firstRange(of: Array("etry-".utf8)) == nil else { return }
        server.answer = bytes
        waiting {
            var sink = CountingSink()
            guard let address = try? WebAddress(parsing: "http://127.0.0.1:\(server.port)/x") else { return }
            _ = try? await session.download(HTTPRequest(.get, address), to: &sink)
        }
    }

    private static func waiting(_ body: @escaping @Sendable () async -> Void) {
        let done = DispatchSemaphore(value: 0)
        Task.detached {
            await body()
            done.signal()
        }
        done.wait()
    }

    static func fields(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        _ = AuthenticationChallenge.parse(text)
        _ = RetryAfter.seconds(text, now: 1_700_000_000)
        if let base = try? WebAddress(parsing: "https://a.example/b/c?d"), let next = try? base.resolving(text) {
            _ = try? WebAddress(parsing: "\(next)")
        }
        _ = try? ImageReference(parsing: text)
        _ = try? Digest(parsing: text)
    }

    static func toml(_ bytes: [UInt8]) {
        guard let settings = try? RegistrySettings(parsing: bytes, of: "registries.conf") else { return }
        for name in ["alpine", "a.example/b/c:1"] {
            if let reference = try? ImageReference(parsing: name) { _ = try? settings.repositories(for: reference) }
        }
    }

    static func json(_ bytes: [UInt8]) {
        if let file = try? LoginFile("config.json", parsing: bytes) {
            _ = file.login(host: "a.example", repository: "b/c")
            _ = file.helper(for: "a.example")
        }
        _ = AccessToken(bytes)
        waiting {
            guard let address = try? WebAddress(parsing: "https://a.example/") else { return }
            let response = HTTPResponse(status: 403, fields: [:], address: address) { take in
                try bytes.withUnsafeBytes { try take($0) }
            }
            _ = await RegistryError(response, host: "a.example", subject: "b").description
        }
        _ = try? CanonicalJSON.decode(Manifest.self, from: bytes)
        _ = try? CanonicalJSON.decode(ImageIndex.self, from: bytes)
        _ = try? CanonicalJSON.decode(ImageConfiguration.self, from: bytes)
        if let value = try? CanonicalJSON.decode(JSONValue.self, from: bytes) { _ = try? CanonicalJSON.encode(value) }
    }

    private struct CountingSink: HTTPSink {
        var count = 0

        mutating func write(_ bytes: UnsafeRawBufferPointer) { count += bytes.count }
        mutating func restart() { count = 0 }
    }
}

/// A server on loopback that answers every connection with the same bytes, and ends it.
private final class FuzzedServer: @unchecked Sendable {
    // SAFETY: set between requests only, of which there is one at a time.
    var answer: [UInt8] = []
    private(set) var port: UInt16 = 0

    init() {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(listener, raw, length) == 0 && listen(listener, 50) == 0
                    && getsockname(listener, raw, &length) == 0
            }
        }
        guard result else { fatalError("no server on loopback") }
        port = UInt16(bigEndian: address.sin_port)
        var thread: pthread_t = 0
        pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                let (server, listener) = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().values
                while true { server.serve(accept(listener, nil, nil)) }
            },
            Unmanaged.passRetained(Start((self, listener))).toOpaque()
        )
    }

    private final class Start {
        let values: (FuzzedServer, Int32)
        init(_ values: (FuzzedServer, Int32)) { self.values = values }
    }

    private func serve(_ connection: Int32) {
        guard connection >= 0 else { return }
        // An end without the long wait of the protocol, of which there can be only so many.
        var linger = Glibc.linger(l_onoff: 0, l_linger: 0)
        setsockopt(connection, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        var request: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !request.suffix(4).elementsEqual([13, 10, 13, 10]) {
            let count = read(connection, &buffer, buffer.count)
            guard count > 0 else { break }
            request += buffer[..<count]
        }
        _ = send(connection, answer, answer.count, Int32(MSG_NOSIGNAL))
        shutdown(connection, Int32(SHUT_WR))
        while read(connection, &buffer, buffer.count) > 0 {}
        close(connection)
    }
}
