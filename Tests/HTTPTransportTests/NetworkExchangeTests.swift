import Glibc
import RemoteAddresses
import Synchronization
import Testing

@testable import HTTPTransport

/// Servers that do not speak HTTP as they should, on real connections.
@Suite struct NetworkExchangeTests {
    private func get(_ server: RawServer, _ change: (inout NetworkExchange.Settings) -> Void = { _ in }) async throws
        -> [UInt8]
    {
        var settings = NetworkExchange.Settings()
        change(&settings)
        let session = HTTPSession(NetworkExchange(settings), attempts: 1)
        let address = try WebAddress(parsing: "http://127.0.0.1:\(server.port)/x")
        let response = try await session.send(HTTPRequest(.get, address))
        return try await response.bytes(limit: 1 << 20)
    }

    @Test(
        "no answer ends the process",
        arguments: [
            "HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 001 X\r\nContent-Length: 1\r\n\r\nx",
            "HTTP/1.1 099 X\r\n\r\n", "HTTP/1.1 99 X\r\n\r\n", "HTTP/1.1 -1 X\r\n\r\n", "HTTP/1.1 1000 X\r\n\r\n",
            "HTTP/1.1 99999999999999999999 X\r\n\r\n", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\nx",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n", "\r\n\r\n", "\u{0}", "",
            "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 000 X\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\n\r\nxyz", "HTTP/9.9 200 OK\r\n\r\n", "<html></html>",
            "HTTP/1.1 200 OK\r\n" + String(repeating: "a: b\r\n", count: 100_000) + "\r\n",
            "HTTP/1.1 200 OK\r\na: " + String(repeating: "b", count: 1 << 20) + "\r\n\r\n",
        ]
    )
    func badAnswers(answer: String) async throws {
        let server = try RawServer { RawServer.write(answer, to: $0) }
        do {
            // Some are answers after all; then there is no more to them than a few bytes.
            #expect(try await get(server).count < 100)
        } catch let error as HTTPError {
            #expect("\(error)".contains("127.0.0.1"))
        }
    }

    @Test(
        "several answers to one request are one",
        arguments: ["200 OK", "000 X", "204 No Content", "304 Not Modified"]
    )
    func severalAnswers(status: String) async throws {
        let first = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
        let server = try RawServer {
            RawServer.write(first + "HTTP/1.1 \(status)\r\nContent-Length: 2\r\n\r\nho", to: $0)
        }
        #expect(try await get(server) == Array("hi".utf8))
        #expect(try await get(server) == Array("hi".utf8))
    }

    @Test("a status that does not exist is told")
    func status() async throws {
        let server = try RawServer { RawServer.write("HTTP/1.1 042 X\r\nContent-Length: 0\r\n\r\n", to: $0) }
        let error = await #expect(throws: HTTPError.self) { try await get(server) }
        #expect(error.map { "\($0)" }?.contains("invalid status 42") == true, "\(String(describing: error))")
    }

    @Test(
        "a server that sends a byte now and then does not hold a request for ever",
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", "x"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;", "a"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", "a: b\r\n"),
            ("HTTP/1.1 200 OK\r\n", "a: b\r\n"), ("", "HTTP/1.1 100 Continue\r\n\r\n"),
        ]
    )
    func dripping(start: String, drop: String) async throws {
        let server = try RawServer { connection in
            RawServer.write(start, to: connection)
            // Other tests may keep the client waiting for longer than it would wait itself.
            for _ in 0..<6000 where RawServer.write(drop, to: connection) { usleep(50_000) }
        }
        let error = await #expect(throws: HTTPError.self) {
            try await get(server) { settings in
                settings.readTimeout = 1
                settings.pace = MinimumPace(bytes: 1000, seconds: 1)
            }
        }
        switch error {
        case .tooSlow, .timedOut: break
        default: Issue.record("\(String(describing: error))")
        }
    }

    @Test("who reads slowly is not the server's fault")
    func slowReader() async throws {
        let server = try RawServer { connection in
            RawServer.write("HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n", to: connection)
            for _ in 0..<40 { RawServer.write(String(repeating: "x", count: 100_000), to: connection) }
        }
        var settings = NetworkExchange.Settings()
        // Other tests may keep the reader waiting for longer than a server may be silent.
        settings.readTimeout = 3600
        settings.pace = MinimumPace(bytes: 3_000_000, seconds: 1)
        let address = try WebAddress(parsing: "http://127.0.0.1:\(server.port)/x")
        let response = try await HTTPSession(NetworkExchange(settings), attempts: 1).send(HTTPRequest(.get, address))
        var count = 0
        try await response.read { piece in
            count += piece.count
            usleep(20_000)
        }
        #expect(count == 4_000_000)
    }

    @Test("a server that asks to wait is told of, and waited for")
    func notices() async throws {
        let count = Mutex(0)
        let server = try RawServer { connection in
            let isFirst = count.withLock { count in
                count += 1
                return count == 1
            }
            let text = isFirst ? "429 Slow\r\nRetry-After: 1" : "200 OK"
            RawServer.write("HTTP/1.1 \(text)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", to: connection)
        }
        let notices = Mutex<[String]>([])
        let begin = ContinuousClock.now
        try await HTTPNotices.$tell.withValue({ text in notices.withLock { $0.append(text) } }) {
            let session = HTTPSession(NetworkExchange(.init()))
            let address = try WebAddress(parsing: "http://127.0.0.1:\(server.port)/x")
            #expect(try await session.send(HTTPRequest(.get, address)).status == 200)
        }
        #expect(ContinuousClock.now - begin >= .seconds(1))
        #expect(notices.withLock { $0 } == ["`127.0.0.1:\(server.port)` answered 429: waiting 1 s"])
    }
}
