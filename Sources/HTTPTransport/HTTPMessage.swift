public import FileSystem
public import RemoteAddresses
public import SystemPackage

/// Names and values of a message's header, in order; names are compared in any case (RFC 9110, section 5).
public struct HTTPFields: Sendable, ExpressibleByDictionaryLiteral {
    public private(set) var list: [(name: String, value: String)] = []

    public init() {}

    public init(dictionaryLiteral elements: (String, String)...) {
        list = elements.map { ($0.0, $0.1) }
    }

    public mutating func append(_ name: String, _ value: String) { list.append((name, value)) }

    /// The first value; setting replaces all of them, and `nil` removes them.
    public subscript(name: String) -> String? {
        get { list.first { $0.name.lowercased() == name.lowercased() }?.value }
        set {
            list.removeAll { $0.name.lowercased() == name.lowercased() }
            if let newValue { list.append((name, newValue)) }
        }
    }
}

/// What is asked of a server.
public struct HTTPRequest: Sendable {
    public enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case put = "PUT"
        case post = "POST"
        case patch = "PATCH"
        case delete = "DELETE"

        /// Whether sending it twice does no more than sending it once (RFC 9110, section 9.2.2).
        var isIdempotent: Bool { self != .post && self != .patch }
    }

    public enum Body: Sendable {
        case none
        case bytes([UInt8])
        /// A part of a file, read piece by piece while it is sent, and again when the request is repeated.
        case file(FilePath, Range<Int64>)
        /// A file that is still being written, whose length nobody knows yet.
        case growing(GrowingFile)
    }

    public var method: Method
    public var address: WebAddress
    public var fields: HTTPFields
    public var body: Body
    /// The value of the `Authorization` field, by default the credentials of the address.
    ///
    /// No other origin gets it.
    public var authorization: String?
    /// Whether the body holds a secret of the address's origin, which no other one gets.
    public var hasSecretBody = false
    /// Whether it may be sent again although its method does not promise that this does no harm.
    public var isRepeatable = false

    public init(_ method: Method = .get, _ address: WebAddress, fields: HTTPFields = [:], body: Body = .none) {
        self.method = method
        self.address = address
        self.fields = fields
        self.body = body
        authorization = address.credentials?.basicAuthorization
    }

    var hasBody: Bool { if case .none = body { false } else { true } }
}

/// A response of which the header has arrived; its body is read when somebody asks for it.
public struct HTTPResponse: Sendable {
    /// Hands the pieces of a body on as they arrive.
    public typealias Body = @Sendable (_ take: (UnsafeRawBufferPointer) throws -> Void) async throws -> Void

    public let status: Int
    public let fields: HTTPFields
    /// Where it comes from, after redirects.
    public let address: WebAddress
    private let body: Body

    public init(status: Int, fields: HTTPFields, address: WebAddress, body: @escaping Body) {
        self.status = status
        self.fields = fields
        self.address = address
        self.body = body
    }

    /// Whether the status is one of the 200s.
    public var isSuccess: Bool { (200..<300).contains(status) }

    /// The length that the server promises.
    public var contentLength: Int64? { fields["Content-Length"].flatMap { Int64($0) } }

    /// Hands the body on piece by piece, once; memory stays flat whatever its length.
    ///
    /// - Throws: `HTTPError`, `.truncated` among them where the connection ends too early, and what `take` throws.
    public func read(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws {
        var received: Int64 = 0
        do {
            try await body { piece in
                received += Int64(piece.count)
                try take(piece)
            }
        } catch HTTPError.truncated {
            throw HTTPError.truncated(address, received: received, expected: contentLength)
        }
        if let expected = contentLength, fields["Content-Encoding"] == nil, received < expected {
            throw HTTPError.truncated(address, received: received, expected: expected)
        }
    }

    /// The longest time that a body may take of which all is kept in memory.
    private static let documentSeconds = 120

    /// The whole body.
    ///
    /// - Throws: Also `HTTPError.tooLarge`, once more than `limit` bytes came.
    public func bytes(limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        let begin = ContinuousClock.now
        try await read { piece in
            guard ContinuousClock.now - begin < .seconds(HTTPResponse.documentSeconds) else {
                throw HTTPError.tooSlow(address, "no end within \(HTTPResponse.documentSeconds) s")
            }
            guard bytes.count + piece.count <= limit else { throw HTTPError.tooLarge(address, limit: limit) }
            bytes.append(contentsOf: piece)
        }
        return bytes
    }
}

/// One request and its response, without a second try and without following redirects.
///
/// The policies are those of `HTTPSession`; what is behind this protocol only talks to servers.
public protocol HTTPExchange: Sendable {
    /// Sends a request, and returns when the header of the response is there.
    ///
    /// - Throws: `HTTPError` and `CancellationError`.
    func send(_ request: HTTPRequest) async throws -> HTTPResponse
}
