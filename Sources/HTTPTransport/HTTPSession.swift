internal import FileSystem
internal import Glibc
internal import RemoteAddresses
internal import Threads

/// Takes the bytes of a download.
public protocol HTTPSink {
    mutating func write(_ bytes: UnsafeRawBufferPointer) throws
    /// Forgets what was written: the download begins again.
    mutating func restart() throws
}

/// Requests as everything above wants them: redirects followed, what fails in passing repeated, downloads resumed.
public struct HTTPSession: Sendable {
    private static let redirectLimit = 10
    /// How often a request is sent to a server that says it is asked too often (429), and how long it may ask to wait, in
    /// seconds: together a quarter of an hour.
    private static let patience = (attempts: 20, wait: 900.0)
    /// The longest pauses of our own, in seconds: before what failed, and before what was asked too often.
    private static let longestPause = (failed: 2.0, refused: 60.0)

    private let exchange: any HTTPExchange
    private let attempts: Int
    private let firstPause: Double
    private let throttle = Throttle()

    /// - Parameters:
    ///   - attempts: How often a request is sent at most, unless the server asks for more patience.
    ///   - firstPause: The seconds before the second attempt; each further pause is twice as long.
    public init(_ exchange: any HTTPExchange, attempts: Int = 6, firstPause: Double = 0.25) {
        self.exchange = exchange
        self.attempts = attempts
        self.firstPause = firstPause
    }

    /// Sends a request, follows redirects, and repeats what fails with the connection or with a status of 408, 429 or 5xx.
    ///
    /// `POST` and `PATCH` are repeated only where the request says that they may be. A server that wants to be asked less
    /// often makes all requests to it wait.
    ///
    /// - Returns: The last response, whatever its status.
    /// - Throws: `HTTPError`, `CancellationError`.
    public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        var attempt = 1
        while true {
            let isRepeatable = request.method.isIdempotent || request.isRepeatable
            do {
                let response = try await follow(request)
                guard isRepeatable, mayRepeat(response, after: attempt) else { return response }
                try await pause(after: attempt, asked: response)
            } catch let error as HTTPError where isRepeatable && mayRepeat(error, after: attempt) {
                try await pause(after: attempt)
            }
            attempt += 1
        }
    }

    /// Whether a request may be answered otherwise a moment later.
    ///
    /// - Parameter attempt: How often it was sent.
    public func mayRepeat(_ response: HTTPResponse, after attempt: Int) -> Bool {
        guard HTTPError.isTransient(status: response.status), wish(response) <= HTTPSession.patience.wait else {
            return false
        }
        // A session that repeats nothing waits for nobody.
        return attempt < (response.status == 429 && attempts > 1 ? HTTPSession.patience.attempts : attempts)
    }

    private func mayRepeat(_ error: HTTPError, after attempt: Int) -> Bool {
        attempt < attempts && error.isWorthRepeating(after: attempt)
    }

    /// Gets a document that is kept in memory, again where its body breaks off.
    ///
    /// - Parameter send: Gets the response.
    /// - Returns: The response, and what it holds if it is a success.
    /// - Throws: `HTTPError`, `.tooLarge` once more than `limit` bytes came; what `send` throws.
    public func document(limit: Int, _ send: () async throws -> HTTPResponse) async throws -> (
        response: HTTPResponse, bytes: [UInt8]?
    ) {
        var attempt = 1
        while true {
            let response = try await send()
            guard response.isSuccess else { return (response, nil) }
            do {
                return (response, try await response.bytes(limit: limit))
            } catch HTTPError.truncated where attempt < attempts {
                try await pause(after: attempt)
            } catch HTTPError.unreachable where attempt < attempts {
                try await pause(after: attempt)
            }
            attempt += 1
        }
    }

    /// Downloads a body.
    ///
    /// What breaks off is resumed where the server can do that, and else begun again.
    ///
    /// - Returns: The header of the response. The sink got a body only if the status is one of the 200s.
    /// - Throws: `HTTPError`, `CancellationError`, what the sink throws.
    public func download(_ request: HTTPRequest, to sink: inout some HTTPSink) async throws -> HTTPResponse {
        var response = try await send(request)
        let first = response
        guard first.isSuccess else { return first }
        var received: Int64 = 0
        for attempt in 1... {
            do {
                try await response.read { piece in
                    try sink.write(piece)
                    received += Int64(piece.count)
                }
                return first
            } catch let error as HTTPError where mayRepeat(error, after: attempt) {
                try await pause(after: attempt)
            }
            response = try await send(resuming(request, at: received, of: first))
            if response.status == 206, isContinuation(response, at: received) { continue }
            guard response.isSuccess, response.status != 206 else {
                throw HTTPError.status(response.address, response.status)
            }
            try sink.restart()
            received = 0
        }
        return first
    }

    /// The request for the rest of a body, if it still is the same (RFC 9110, section 13.1.5).
    private func resuming(_ request: HTTPRequest, at offset: Int64, of response: HTTPResponse) -> HTTPRequest {
        var request = request
        let tag = response.fields["ETag"].flatMap { $0.hasPrefix("W/") ? nil : $0 }
        for name in ["If-None-Match", "If-Modified-Since"] { request.fields[name] = nil }
        guard offset > 0, let validator = tag ?? response.fields["Last-Modified"] else { return request }
        request.fields["Range"] = "bytes=\(offset)-"
        request.fields["If-Range"] = validator
        return request
    }

    private func isContinuation(_ response: HTTPResponse, at offset: Int64) -> Bool {
        response.fields["Content-Range"]?.hasPrefix("bytes \(offset)-") ?? false
    }

    private func follow(_ request: HTTPRequest) async throws -> HTTPResponse {
        var request = request
        for _ in 0...HTTPSession.redirectLimit {
            try await throttle.pass(request.address.authorityText)
            let response = try await exchange.send(request)
            guard [301, 302, 303, 307, 308].contains(response.status), let location = response.fields["Location"] else {
                return response
            }
            request = try redirected(request, response.status, to: location)
        }
        throw HTTPError.redirect(request.address, reason: "more than \(HTTPSession.redirectLimit) times")
    }

    private func redirected(_ request: HTTPRequest, _ status: Int, to location: String) throws -> HTTPRequest {
        var next = request
        do {
            next.address = try request.address.resolving(location)
        } catch {
            throw HTTPError.redirect(request.address, reason: "to something that is not an address")
        }
        if request.address.scheme == .https, next.address.scheme == .http {
            throw HTTPError.redirect(request.address, reason: "from https to http, to `\(next.address)`")
        }
        if status == 303 || (status <= 302 && request.method == .post), request.method != .head {
            next.method = .get
            next.body = .none
            for name in ["Content-Type", "Content-Length"] { next.fields[name] = nil }
        }
        // Credentials never cross to another server. Those in the new address are what the first server gave.
        if !next.address.hasOrigin(of: request.address) {
            next.authorization = next.address.credentials?.basicAuthorization
            for name in HTTPSession.secretFields { next.fields[name] = nil }
            if next.hasSecretBody, next.hasBody {
                let reason = "to `\(next.address.authorityText)`, which must not receive the secret in the request"
                throw HTTPError.redirect(request.address, reason: reason)
            }
        }
        return next
    }

    /// Fields that tell a server who the user is.
    private static let secretFields = ["Authorization", "Cookie", "Proxy-Authorization"]

    /// How long a server asks to wait, in seconds.
    private func wish(_ response: HTTPResponse) -> Double {
        response.fields["Retry-After"].flatMap { RetryAfter.seconds($0, now: Int64(time(nil))) } ?? 0
    }

    /// Waits before the next attempt.
    ///
    /// - Parameter response: What may ask for more time than usual.
    public func pause(after attempt: Int, asked response: HTTPResponse? = nil) async throws {
        let asked = min(response.map(wish) ?? 0, HTTPSession.patience.wait)
        let longest = response?.status == 429 ? HTTPSession.longestPause.refused : HTTPSession.longestPause.failed
        // Up to a half more, so that many clients do not come back at once.
        let own = min(firstPause * Double(1 << min(attempt - 1, 10)), longest) * Double.random(in: 1...1.5)
        let seconds = max(own, asked)
        if let response, response.status == 429 || asked >= 1 {
            let host = response.address.authorityText
            // Of many requests that wait for the same, one tells.
            if throttle.close(host, for: seconds), seconds >= 1 {
                HTTPNotices.tell?("`\(host)` answered \(response.status): waiting \(Int(seconds)) s")
            }
        }
        try await Pause.wait(seconds: seconds)
    }
}

extension HTTPError {
    /// Whether one more attempt may help; a server that is slow the second time will be so for ever.
    fileprivate func isWorthRepeating(after attempt: Int) -> Bool {
        if case .tooSlow = self { return attempt < 2 }
        return isTransient
    }
}
