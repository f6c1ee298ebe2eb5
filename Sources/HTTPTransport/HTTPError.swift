public import RemoteAddresses

/// Why something is unavailable from a server.
public enum HTTPError: Error, Sendable, Equatable {
    /// No connection: no such host, nothing listens, or it ended before a response came.
    case unreachable(WebAddress, reason: String)
    /// No encrypted connection that can be trusted.
    case insecure(WebAddress, reason: String)
    /// Nothing came for that many seconds.
    case timedOut(WebAddress, seconds: Int)
    /// What comes, comes so slowly that it would hold the program for hours.
    case tooSlow(WebAddress, String)
    /// An answer that is not HTTP.
    case malformed(WebAddress, reason: String)
    /// The body ended too early.
    case truncated(WebAddress, received: Int64, expected: Int64?)
    /// The server says no.
    case status(WebAddress, Int)
    case tooLarge(WebAddress, limit: Int)
    /// A redirect that leads nowhere, in a circle, from `https` to `http`, or to a server that may not have the body.
    case redirect(WebAddress, reason: String)
    /// A part of a file that was to be sent cannot be read.
    case unreadableBody(String)
    /// The value of a proxy variable is not the address of a proxy.
    case proxy(variable: String)

    /// Whether the same request may work a moment later.
    var isTransient: Bool {
        switch self {
        case .unreachable, .timedOut, .tooSlow, .truncated: true
        case .status(_, let status): HTTPError.isTransient(status: status)
        default: false
        }
    }

    static func isTransient(status: Int) -> Bool { status == 408 || status == 429 || (500...599).contains(status) }

    /// What the user can do.
    public var hint: String? {
        switch self {
        case .unreachable: "check the address, the network, and HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
        case .insecure:
            "the certificate must be signed by a CA of the system; SSL_CERT_FILE names a file with more"
        case .status(_, 401), .status(_, 403), .status(_, 407):
            "the server requires a login, or the login lacks permission"
        case .status(_, 404), .status(_, 410): "check the address"
        case .timedOut, .tooSlow, .truncated: "the server or the network is slow or overloaded: try again"
        default: nil
        }
    }
}

extension HTTPError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreachable(let address, let reason):
            "cannot reach `\(address.authorityText)` for `\(address)`: \(reason)"
        case .insecure(let address, let reason):
            "no trusted connection to `\(address.authorityText)` for `\(address)`: \(reason)"
        case .timedOut(let address, let seconds):
            "`\(address.authorityText)` sent nothing of `\(address)` for \(seconds) s"
        case .tooSlow(let address, let reason):
            "`\(address.authorityText)` sends `\(address)` too slowly: \(reason)"
        case .malformed(let address, let reason):
            "`\(address.authorityText)` sent no valid answer for `\(address)`: \(reason)"
        case .truncated(let address, let received, let expected?):
            "`\(address)` ended after \(received) of \(expected) bytes"
        case .truncated(let address, let received, nil): "`\(address)` ended in the middle, after \(received) bytes"
        case .status(let address, let status):
            "`\(address.authorityText)` answered \(status)\(HTTPError.phrase(status)) for `\(address)`"
        case .tooLarge(let address, let limit): "`\(address)` is larger than \(limit) bytes"
        case .redirect(let address, let reason): "`\(address)` is redirected \(reason)"
        case .unreadableBody(let reason): reason
        case .proxy(let variable): "the value of \(variable) is not the address of a proxy"
        }
    }

    private static func phrase(_ status: Int) -> String {
        let phrases = [
            400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
            407: "Proxy Authentication Required", 408: "Request Timeout", 410: "Gone",
            416: "Range Not Satisfiable", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
            503: "Service Unavailable", 504: "Gateway Timeout",
        ]
        return phrases[status].map { " (\($0))" } ?? ""
    }
}
