internal import FileSystem
public import HTTPTransport
public import RemoteAddresses
internal import Synchronization

/// Servers that exist in a test only: they answer by a script, and remember what they were asked.
public final class ScriptedServers: HTTPExchange {
    public struct Answer: Sendable {
        var status: Int
        var fields: HTTPFields
        var body: String

        public init(status: Int, fields: HTTPFields = [:], body: String = "") {
            (self.status, self.fields, self.body) = (status, fields, body)
        }

        public static func challenge(_ text: String) -> Answer {
            Answer(status: 401, fields: ["WWW-Authenticate": text])
        }
        public static func redirect(_ status: Int, _ location: String) -> Answer {
            Answer(status: status, fields: ["Location": location])
        }
    }

    /// What was sent where.
    public struct Sent: Sendable {
        public let method: HTTPRequest.Method
        public let address: WebAddress
        public let authorization: String?
        public let body: String
        public let fields: HTTPFields

        public var text: String { "\(method.rawValue) \(address)" }
        /// Whether it has something that only its owner may know.
        public var hasSecret: Bool { authorization != nil || body.contains("SECRET") }
    }

    private let script: @Sendable (Sent) throws -> Answer
    private let log = Mutex<[Sent]>([])

    /// - Parameter script: What is answered to a request; `HTTPError` is thrown where there is no answer.
    public init(_ script: @escaping @Sendable (Sent) throws -> Answer) { self.script = script }

    public var requests: [Sent] { log.withLock { $0 } }

    public func requests(at host: String) -> [Sent] { requests.filter { $0.address.authorityText == host } }

    /// Waits until a file is whole.
    private func size(of file: GrowingFile) async throws -> Int64 {
        var size: Int64 = 0
        do {
            while try await file.hasBytes(at: size) { size += 1 }
            return size
        } catch {
            throw HTTPError.unreadableBody("it was abandoned")
        }
    }

    public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let body: String
        switch request.body {
        case .none: body = ""
        case .bytes(let bytes): body = String(decoding: bytes, as: UTF8.self)
        case .file(_, let range): body = "file \(range)"
        case .growing(let file): body = "growing \(try await size(of: file))"
        }
        let sent = Sent(
            method: request.method,
            address: request.address,
            authorization: request.authorization ?? request.fields["Authorization"],
            body: body,
            fields: request.fields
        )
        log.withLock { $0.append(sent) }
        let answer = try script(sent)
        return HTTPResponse(status: answer.status, fields: answer.fields, address: request.address) { take in
            try Array(answer.body.utf8).withUnsafeBytes { try take($0) }
        }
    }
}
