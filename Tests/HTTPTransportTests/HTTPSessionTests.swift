import HTTPTransport
import RemoteAddresses
import Synchronization
import Testing

/// Answers with what the test has prepared, and remembers what was asked.
private final class PreparedExchange: HTTPExchange {
    typealias Answer = @Sendable (HTTPRequest) throws -> HTTPResponse

    private let state: Mutex<(answers: [Answer], requests: [HTTPRequest])>

    init(_ answers: Answer...) {
        state = Mutex((answers, []))
    }

    var requests: [HTTPRequest] { state.withLock { $0.requests } }

    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let answer = state.withLock { state in
            state.requests.append(request)
            return state.answers.count > 1 ? state.answers.removeFirst() : state.answers[0]
        }
        return try answer(request)
    }

    static func answer(_ status: Int, _ fields: HTTPFields = [:], _ text: String = "", cut: Bool = false) -> Answer {
        { request in
            HTTPResponse(status: status, fields: fields, address: request.address) { take in
                try Array(text.utf8).withUnsafeBytes { try take($0) }
                if cut { throw HTTPError.truncated(request.address, received: 0, expected: nil) }
            }
        }
    }

    static let refused: Answer = { throw HTTPError.unreachable($0.address, reason: "connection refused") }
}

private struct Collected: HTTPSink {
    var text = ""
    var restarts = 0

    mutating func write(_ bytes: UnsafeRawBufferPointer) { text += String(decoding: bytes, as: UTF8.self) }

    mutating func restart() {
        text = ""
        restarts += 1
    }
}

private let here = try? WebAddress(parsing: "https://user:secret@here.example/a")

@Suite struct HTTPSessionTests {
    private func send(_ request: HTTPRequest, _ exchange: PreparedExchange) async throws -> HTTPResponse {
        try await HTTPSession(exchange, firstPause: 0).send(request)
    }

    private func address(_ text: String) throws -> WebAddress { try WebAddress(parsing: text) }

    @Test(
        "credentials follow a redirect to the same origin only",
        arguments: [
            ("/b", true), ("https://here.example:443/b", true), ("https://other.example/b", false),
            ("https://here.example:8443/b", false), ("//here.example.evil/b", false),
        ]
    )
    func credentials(location: String, keeps: Bool) async throws {
        let exchange = PreparedExchange(
            PreparedExchange.answer(302, ["Location": location]),
            PreparedExchange.answer(200)
        )
        var request = HTTPRequest(.get, try #require(here))
        request.fields["Cookie"] = "a=b"
        _ = try await send(request, exchange)
        #expect(exchange.requests.count == 2)
        #expect((exchange.requests[1].authorization != nil) == keeps)
        #expect((exchange.requests[1].fields["cookie"] != nil) == keeps)
    }

    @Test("credentials that were left behind do not come back with a second redirect")
    func roundTrip() async throws {
        let exchange = PreparedExchange(
            PreparedExchange.answer(302, ["Location": "https://other.example/"]),
            PreparedExchange.answer(302, ["Location": "https://here.example/"]),
            PreparedExchange.answer(200)
        )
        _ = try await send(HTTPRequest(.get, try #require(here)), exchange)
        #expect(exchange.requests.map { $0.authorization != nil } == [true, false, false])
    }

    @Test("a redirect from https to http is refused")
    func downgrade() async throws {
        let exchange = PreparedExchange(PreparedExchange.answer(301, ["Location": "http://here.example/"]))
        await #expect(throws: HTTPError.self) { try await send(HTTPRequest(.get, try #require(here)), exchange) }
        #expect(exchange.requests.count == 1)
    }

    @Test("a circle of redirects ends")
    func circle() async throws {
        let exchange = PreparedExchange(PreparedExchange.answer(302, ["Location": "/a"]))
        await #expect(throws: HTTPError.self) { try await send(HTTPRequest(.get, try #require(here)), exchange) }
    }

    @Test(
        "the method after a redirect",
        arguments: [
            (301, HTTPRequest.Method.post, HTTPRequest.Method.get), (303, .put, .get), (307, .post, .post),
            (308, .put, .put), (302, .head, .head), (303, .head, .head),
        ]
    )
    func methods(status: Int, before: HTTPRequest.Method, after: HTTPRequest.Method) async throws {
        let exchange = PreparedExchange(
            PreparedExchange.answer(status, ["Location": "/b"]),
            PreparedExchange.answer(200)
        )
        _ = try await send(HTTPRequest(before, try #require(here), body: .bytes([1])), exchange)
        #expect(exchange.requests.last?.method == after)
        if case .bytes = exchange.requests.last?.body { #expect(after == before) } else { #expect(after == .get) }
    }

    @Test(
        "what fails in passing is repeated, six times at most, or as often as patience is asked for",
        arguments: [408, 429, 500, 502, 503, 504]
    )
    func retries(status: Int) async throws {
        let recovering = PreparedExchange(
            PreparedExchange.answer(status),
            PreparedExchange.refused,
            PreparedExchange.answer(200)
        )
        #expect(try await send(HTTPRequest(.get, try #require(here)), recovering).status == 200)
        let lasting = PreparedExchange(PreparedExchange.answer(status))
        #expect(try await send(HTTPRequest(.put, try #require(here)), lasting).status == status)
        #expect(lasting.requests.count == (status == 429 ? 20 : 6))
    }

    @Test("a server that asks for more time than a build has gets no further request")
    func longWish() async throws {
        let closed = PreparedExchange(PreparedExchange.answer(429, ["Retry-After": "21600"]))
        #expect(try await send(HTTPRequest(.get, try #require(here)), closed).status == 429)
        #expect(closed.requests.count == 1)
    }

    @Test("a document whose body breaks off is fetched again, and one that is too large is not")
    func documents() async throws {
        let exchange = PreparedExchange(
            PreparedExchange.answer(200, [:], "ab", cut: true),
            PreparedExchange.answer(200, [:], "abc")
        )
        let session = HTTPSession(exchange, firstPause: 0)
        let request = HTTPRequest(.get, try #require(here))
        let (_, bytes) = try await session.document(limit: 3) { try await session.send(request) }
        #expect(bytes == Array("abc".utf8))
        await #expect(throws: HTTPError.self) {
            try await session.document(limit: 2) { try await session.send(request) }
        }
        #expect(exchange.requests.count == 3)
    }

    @Test("what is wrong for good, or must not happen twice, is not repeated")
    func noRetries() async throws {
        let missing = PreparedExchange(PreparedExchange.answer(404))
        _ = try await send(HTTPRequest(.get, try #require(here)), missing)
        #expect(missing.requests.count == 1)
        for method in [HTTPRequest.Method.post, .patch] {
            let exchange = PreparedExchange(PreparedExchange.refused)
            await #expect(throws: HTTPError.self) { try await send(HTTPRequest(method, try #require(here)), exchange) }
            #expect(exchange.requests.count == 1)
        }
    }

    @Test("a download goes on where it broke off")
    func resuming() async throws {
        let exchange = PreparedExchange(
            PreparedExchange.answer(200, ["ETag": "\"1\""], "hel", cut: true),
            PreparedExchange.answer(206, ["Content-Range": "bytes 3-4/5"], "lo")
        )
        var sink = Collected()
        _ = try await HTTPSession(exchange, firstPause: 0).download(HTTPRequest(.get, try #require(here)), to: &sink)
        #expect(sink.text == "hello" && sink.restarts == 0)
        #expect(
            exchange.requests[1].fields["Range"] == "bytes=3-" && exchange.requests[1].fields["If-Range"] == "\"1\""
        )
    }

    @Test(
        "a download begins again where the content is another, or the server sends all of it",
        arguments: ["\"1\"", nil, "W/\"1\""] as [String?]
    )
    func restarting(tag: String?) async throws {
        var fields = HTTPFields()
        fields["ETag"] = tag
        let exchange = PreparedExchange(
            PreparedExchange.answer(200, fields, "hel", cut: true),
            PreparedExchange.answer(200, [:], "world")
        )
        var sink = Collected()
        _ = try await HTTPSession(exchange, firstPause: 0).download(HTTPRequest(.get, try #require(here)), to: &sink)
        #expect(sink.text == "world" && sink.restarts == 1)
    }

    @Test("a part that does not begin where the rest should is refused")
    func wrongPart() async throws {
        let exchange = PreparedExchange(
            PreparedExchange.answer(200, ["ETag": "\"1\""], "hel", cut: true),
            PreparedExchange.answer(206, ["Content-Range": "bytes 1-4/5"], "ello")
        )
        var sink = Collected()
        await #expect(throws: HTTPError.self) {
            try await HTTPSession(exchange, firstPause: 0).download(HTTPRequest(.get, try #require(here)), to: &sink)
        }
    }

    @Test("a body that is shorter than promised is no success")
    func short() async throws {
        let exchange = PreparedExchange(PreparedExchange.answer(200, ["Content-Length": "9"], "hel"))
        let response = try await send(HTTPRequest(.get, try #require(here)), exchange)
        await #expect(throws: HTTPError.self) { try await response.bytes(limit: 100) }
    }

    @Test("a body that is longer than the caller can take is an error")
    func long() async throws {
        let exchange = PreparedExchange(PreparedExchange.answer(200, [:], "hello"))
        let response = try await send(HTTPRequest(.get, try #require(here)), exchange)
        await #expect(throws: HTTPError.self) { try await response.bytes(limit: 4) }
    }
}
