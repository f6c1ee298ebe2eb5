internal import AsyncHTTPClient
internal import FileSystem
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import RemoteAddresses
internal import Synchronization
internal import SystemPackage
internal import Threads

/// Talks to servers with `async-http-client`; connections are kept for the next request.
///
/// Nothing is started, read or allocated before the first request: most builds make none.
public final class NetworkExchange: HTTPExchange {
    /// PEM files of a certificate, with those that vouch for it, and of its key.
    public struct ClientCertificate: Sendable {
        let certificate: String
        let key: String

        public init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// How connections are made.
    public struct Settings: Sendable {
        /// Seconds until a connection must stand.
        public var connectTimeout = 15
        /// Seconds that may pass without a byte.
        public var readTimeout = 60
        /// How fast a body has to come at least; a slower one is an error, however long it takes.
        var pace = MinimumPace.usual
        public var proxies: ProxySettings
        /// PEM files of certificates to trust beside the system's.
        public var certificates: [String]
        /// What is shown to a server that asks who this is.
        public var client: ClientCertificate?
        /// Whether a server is trusted whatever its certificate says: for those that the user calls insecure.
        public var acceptsAnyCertificate = false

        public init(proxies: ProxySettings = ProxySettings(environment: [:]), certificates: [String] = []) {
            self.proxies = proxies
            self.certificates = certificates
        }

        /// As the variables say that other tools also read; `SSL_CERT_FILE` is the one for certificates.
        public init(environment: [String: String]) {
            proxies = ProxySettings(environment: environment)
            certificates = [environment["SSL_CERT_FILE"] ?? ""].filter { !$0.isEmpty }
        }
    }

    /// How a server is reached.
    private enum Route: Hashable {
        case direct
        /// Through a tunnel, as for everything encrypted.
        case tunnel(ProxySettings.Proxy)
        /// By a proxy that reads the requests and passes them on.
        case forwarded(ProxySettings.Proxy)
    }

    private let settings: Settings
    private let clients = Mutex<[Route: HTTPClient]>([:])

    public init(_ settings: Settings) {
        self.settings = settings
    }

    deinit {
        for client in clients.withLock({ $0.values }) { try? client.syncShutdown() }
    }

    public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let route = try route(to: request.address)
        guard Self.hasThreads else {
            throw HTTPError.unreachable(request.address, reason: "too few threads can be started for a connection")
        }
        let client = try client(for: route, request.address)
        do {
            let response = try await client.execute(try converted(request, route), deadline: .distantFuture)
            var fields = HTTPFields()
            for (name, value) in response.headers { fields.append(name, value) }
            let (address, body) = (request.address, response.body)
            return HTTPResponse(status: Int(response.status.code), fields: fields, address: address) { take in
                try await self.read(body, from: address, take)
            }
        } catch {
            throw translated(error, request.address, isInBody: false)
        }
    }

    private func read(
        _ body: HTTPClientResponse.Body,
        from address: WebAddress,
        _ take: (UnsafeRawBufferPointer) throws -> Void
    ) async throws {
        var pieces = body.makeAsyncIterator()
        while true {
            let piece: ByteBuffer?
            do {
                piece = try await pieces.next()
            } catch {
                throw translated(error, address, isInBody: true)
            }
            guard let piece else { return }
            try piece.withUnsafeReadableBytes { try take($0) }
        }
    }

    private func route(to address: WebAddress) throws -> Route {
        guard let proxy = try settings.proxies.proxy(for: address) else { return .direct }
        return proxy.isSOCKS || address.scheme == .https ? .tunnel(proxy) : .forwarded(proxy)
    }

    private func client(for route: Route, _ address: WebAddress) throws -> HTTPClient {
        try clients.withLock { clients in
            if let known = clients[route] { return known }
            let client = HTTPClient(
                eventLoopGroupProvider: .shared(NetworkExchange.loops),
                configuration: try configuration(route, address)
            )
            clients[route] = client
            return client
        }
    }

    /// Whether there can be the threads that connections need: the one of `loops`, and those that look up names.
    ///
    /// The libraries trap or wait for ever where there can be none (`ulimit -u`, the limit of a container's processes).
    private static let hasThreads = WorkerThread.canStart(4)

    /// One thread moves bytes faster than any network here; it is started with the first request.
    private static let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    private func configuration(_ route: Route, _ address: WebAddress) throws -> HTTPClient.Configuration {
        var tls = TLSConfiguration.makeClientConfiguration()
        for file in settings.certificates {
            let pem = try NetworkExchange.contents(of: file, address)
            guard let certificates = try? NIOSSLCertificate.fromPEMBytes(pem), !certificates.isEmpty else {
                throw HTTPError.insecure(address, reason: "`\(file)` holds no certificates")
            }
            tls.additionalTrustRoots.append(.certificates(certificates))
        }
        if let client = settings.client {
            let certificate = try NetworkExchange.contents(of: client.certificate, address)
            let pem = try NetworkExchange.contents(of: client.key, address)
            guard let chain = try? NIOSSLCertificate.fromPEMBytes(certificate), !chain.isEmpty,
                let key = try? NIOSSLPrivateKey(bytes: pem, format: .pem)
            else {
                let reason = "`\(client.certificate)` and `\(client.key)` are not a certificate and its key"
                throw HTTPError.insecure(address, reason: reason)
            }
            tls.certificateChain = chain.map { .certificate($0) }
            tls.privateKey = .privateKey(key)
        }
        if settings.acceptsAnyCertificate { tls.certificateVerification = .none }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls,
            redirectConfiguration: .disallow,
            timeout: .init(
                connect: .seconds(Int64(settings.connectTimeout)),
                read: .seconds(Int64(settings.readTimeout)),
                write: .seconds(Int64(settings.readTimeout))
            ),
            decompression: .disabled
        )
        // Attempts are counted by `HTTPSession`.
        configuration.connectionPool.retryConnectionEstablishment = false
        // Many small questions at once take no longer than one.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 32
        // What is large comes faster on connections of its own; and the parser of HTTP/2 traps on a status below zero.
        configuration.httpVersion = .http1Only
        let isForwarded = if case .forwarded = route { true } else { false }
        let (headerSeconds, pace) = (settings.readTimeout, settings.pace)
        configuration.http1_1ConnectionDebugInitializer = { channel in
            channel.eventLoop.makeCompletedFuture {
                try ServerWatch.install(in: channel, headerSeconds: headerSeconds, pace: pace)
                if isForwarded { try ForwardedRequests.install(in: channel) }
            }
        }
        switch route {
        case .direct, .forwarded: break
        case .tunnel(let proxy) where proxy.isSOCKS:
            configuration.proxy = .socksServer(host: proxy.host, port: proxy.port)
        case .tunnel(let proxy):
            let login = proxy.credentials.map {
                HTTPClient.Authorization.basic(username: $0.name, password: $0.password)
            }
            configuration.proxy = .server(host: proxy.host, port: proxy.port, authorization: login)
        }
        return configuration
    }

    /// The bytes of a PEM file: the TLS library itself would wait for ever on a named pipe.
    private static func contents(of file: String, _ address: WebAddress) throws -> [UInt8] {
        do {
            return try FileOperations.read(FilePath(file), limit: 16 << 20)
        } catch {
            throw HTTPError.insecure(address, reason: "\(error)")
        }
    }

    private func converted(_ request: HTTPRequest, _ route: Route) throws -> HTTPClientRequest {
        var result = HTTPClientRequest(url: request.address.description)
        if case .forwarded(let proxy) = route {
            result.url = "http://\(proxy.authorityText)/"
            result.headers.add(name: "Host", value: request.address.authorityText)
            result.headers.add(name: ForwardedRequests.field, value: request.address.description)
            if let login = proxy.credentials?.basicAuthorization {
                result.headers.add(name: "Proxy-Authorization", value: login)
            }
        }
        result.method = NIOHTTP1.HTTPMethod(rawValue: request.method.rawValue)
        result.headers.add(name: "User-Agent", value: "swiftbuild")
        for (name, value) in request.fields.list { result.headers.add(name: name, value: value) }
        if let authorization = request.authorization {
            result.headers.replaceOrAdd(name: "Authorization", value: authorization)
        }
        switch request.body {
        case .none: break
        case .bytes(let bytes): result.body = .bytes(ByteBuffer(bytes: bytes))
        case .file(let path, let range):
            result.body = .stream(
                FilePieces(path: path, range: range),
                length: .known(range.upperBound - range.lowerBound)
            )
        case .growing(let file): result.body = .stream(GrowingPieces(file: file), length: .unknown)
        }
        return result
    }

    // MARK: - Errors

    private func translated(_ error: any Error, _ address: WebAddress, isInBody: Bool) -> any Error {
        switch error {
        case is HTTPError: return error
        case is CancellationError: return error
        case let error as HTTPClientError: return translated(error, address, isInBody: isInBody)
        case let violation as ServerWatch.Violation: return HTTPError(violation, address, settings.pace)
        case let error as NIOConnectionError:
            return HTTPError.unreachable(address, reason: NetworkExchange.reason(error))
        case let error as NIOSSLError: return HTTPError.insecure(address, reason: NetworkExchange.reason(error))
        case let error as NIOSSLExtraError: return HTTPError.insecure(address, reason: error.description)
        case is HTTPParserError where isInBody: return HTTPError.truncated(address, received: 0, expected: nil)
        case let error as IOError:
            return isInBody
                ? HTTPError.truncated(address, received: 0, expected: nil)
                : HTTPError.unreachable(address, reason: Errno(rawValue: error.errnoCode).sentence)
        default: return HTTPError.unreachable(address, reason: "\(error)")
        }
    }

    private func translated(_ error: HTTPClientError, _ address: WebAddress, isInBody: Bool) -> any Error {
        switch error {
        case .cancelled: return CancellationError()
        case .readTimeout, .writeTimeout: return HTTPError.timedOut(address, seconds: settings.readTimeout)
        case .connectTimeout, .tlsHandshakeTimeout, .httpProxyHandshakeTimeout, .socksHandshakeTimeout:
            return HTTPError.unreachable(address, reason: "no connection within \(settings.connectTimeout) s")
        case .remoteConnectionClosed where isInBody, .uncleanShutdown where isInBody:
            return HTTPError.truncated(address, received: 0, expected: nil)
        case .remoteConnectionClosed: return HTTPError.unreachable(address, reason: "it closed the connection")
        case .proxyAuthenticationRequired: return HTTPError.status(address, 407)
        default: return HTTPError.unreachable(address, reason: error.shortDescription)
        }
    }

    private static func reason(_ error: NIOConnectionError) -> String {
        let codes = error.connectionErrors.compactMap { ($0.error as? IOError)?.errnoCode }
        if let code = codes.first { return Errno(rawValue: code).sentence }
        if error.dnsAError != nil || error.dnsAAAAError != nil { return "no such host" }
        return "no connection"
    }

    private static func reason(_ error: NIOSSLError) -> String {
        guard case .handshakeFailed(let failure) = error else { return "\(error)" }
        let text = "\(failure)"
        return text.contains("CERTIFICATE_VERIFY_FAILED") ? "its certificate cannot be verified" : text
    }
}

extension HTTPError {
    fileprivate init(_ violation: ServerWatch.Violation, _ address: WebAddress, _ pace: MinimumPace) {
        switch violation {
        case .status(let code): self = .malformed(address, reason: "invalid status \(code)")
        case .slowHeader(let seconds): self = .tooSlow(address, "no complete header within \(seconds) s")
        case .slowBody: self = .tooSlow(address, "fewer than \(pace.bytes) bytes within \(pace.seconds) s")
        }
    }
}

/// The most of a file that is read at once.
private let pieceSize: Int64 = 1 << 18

/// A part of a file, piece by piece.
private struct FilePieces: AsyncSequence {
    let path: FilePath
    let range: Range<Int64>

    struct AsyncIterator: AsyncIteratorProtocol {
        let path: FilePath
        var range: Range<Int64>
        var file: OpenFile?

        mutating func next() async throws -> ByteBuffer? {
            guard !range.isEmpty else { return nil }
            do {
                let open = try file ?? OpenFile(path)
                file = open
                let count = Int(Swift.min(range.upperBound - range.lowerBound, pieceSize))
                var buffer = ByteBuffer()
                try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
                    try FileOperations.read(
                        UnsafeMutableRawBufferPointer(rebasing: space[..<count]),
                        from: open.descriptor,
                        at: range.lowerBound,
                        path: path
                    )
                }
                guard buffer.readableBytes == count else {
                    throw HTTPError.unreadableBody("`\(path)` became shorter while it was sent")
                }
                range = range.lowerBound + Int64(count)..<range.upperBound
                return buffer
            } catch let error as SystemError {
                throw HTTPError.unreadableBody(error.description)
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(path: path, range: range) }
}

/// A file that is still being written, piece by piece.
private struct GrowingPieces: AsyncSequence {
    let file: GrowingFile

    struct AsyncIterator: AsyncIteratorProtocol {
        let file: GrowingFile
        var offset: Int64 = 0

        mutating func next() async throws -> ByteBuffer? {
            do {
                guard try await file.hasBytes(at: offset) else { return nil }
                var buffer = ByteBuffer()
                let (file, offset) = (file, offset)
                try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Int(pieceSize)) { space in
                    try file.read(space, at: offset)
                }
                self.offset += Int64(buffer.readableBytes)
                return buffer
            } catch is GrowingFile.Abandoned {
                throw HTTPError.unreadableBody("what was to be sent was not finished")
            } catch let error as SystemError {
                throw HTTPError.unreadableBody(error.description)
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(file: file) }
}
