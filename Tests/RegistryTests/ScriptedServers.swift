import HTTPTransport
import RemoteAddresses
import Synchronization

@testable import Registry

/// Servers that exist in a test only: they answer by a script, and remember what they were asked.
final class ScriptedServers: HTTPExchange {
    struct Answer: Sendable {
        var status: Int
        var fields: HTTPFields = [:]
        var body = ""

        static func challenge(_ text: String) -> Answer { Answer(status: 401, fields: ["WWW-Authenticate": text]) }
        static func redirect(_ status: Int, _ location: String) -> Answer {
            Answer(status: status, fields: ["Location": location])
        }
    }

    /// What was sent where.
    struct Sent: Sendable {
        let method: HTTPRequest.Method
        let address: WebAddress
        let authorization: String?
        let body: String

        var text: String { "\(method.rawValue) \(address)" }
        /// Whether it has something that only its owner may know.
        var hasSecret: Bool { authorization != nil || body.contains("SECRET") }
    }

    private let script: @Sendable (Sent) throws -> Answer
    private let log = Mutex<[Sent]>([])

    /// - Parameter script: What is answered to a request; `HTTPError` is thrown where there is no answer.
    init(_ script: @escaping @Sendable (Sent) throws -> Answer) { self.script = script }

    var requests: [Sent] { log.withLock { $0 } }

    func requests(at host: String) -> [Sent] { requests.filter { $0.address.authorityText == host } }

    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let body: String
        switch request.body {
        case .none: body = ""
        case .bytes(let bytes): body = String(decoding: bytes, as: UTF8.self)
        case .file(_, let range): body = "file \(range)"
        }
        let sent = Sent(
            method: request.method,
            address: request.address,
            authorization: request.authorization ?? request.fields["Authorization"],
            body: body
        )
        log.withLock { $0.append(sent) }
        let answer = try script(sent)
        return HTTPResponse(status: answer.status, fields: answer.fields, address: request.address) { take in
            try Array(answer.body.utf8).withUnsafeBytes { try take($0) }
        }
    }

    func client(_ host: String, isInsecure: Bool = false, login: Login? = .password(user: "u", password: "SECRET"))
        -> RegistryClient
    {
        RegistryClient(
            RegistryEndpoint(host: host, isInsecure: isInsecure),
            session: HTTPSession(self, firstPause: 0),
            logins: FixedLogin(login: login)
        )
    }
}

/// One login for everything.
struct FixedLogin: LoginSource {
    let login: Login?

    func login(host: String, repository: String) async throws -> Login? { login }
}
