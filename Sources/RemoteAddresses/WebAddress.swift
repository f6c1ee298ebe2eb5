/// An `http` or `https` address in its parts (RFC 3986), with the name and password that it may carry.
///
/// The text form leaves name and password out, so that it can be shown and stored.
public struct WebAddress: Sendable, Hashable {
    public enum Scheme: String, Sendable {
        case http, https

        public var defaultPort: Int { self == .http ? 80 : 443 }
    }

    public let scheme: Scheme
    public let credentials: Credentials?
    /// In lower case; an IPv6 address without its brackets.
    public let host: String
    /// `nil` for the one that the scheme has.
    public let port: Int?
    /// Percent-encoded; begins with `/`.
    public let path: String
    /// Percent-encoded, without `?`.
    public let query: String?
    /// Without `#`; never sent.
    public let fragment: String?

    /// - Throws: `AddressError.malformed`. Blanks and letters beyond ASCII are percent-encoded as browsers do.
    public init(parsing text: String) throws(AddressError) {
        guard let colon = text.range(of: "://"),
            let scheme = Scheme(rawValue: text[..<colon.lowerBound].lowercased())
        else { throw .malformed(text, reason: "it begins with neither `http://` nor `https://`") }
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw .malformed(text, reason: "it has a control character")
        }
        var rest = text[colon.upperBound...]
        var fragment: String?
        if let hash = rest.firstIndex(of: "#") {
            fragment = String(rest[rest.index(after: hash)...])
            rest = rest[..<hash]
        }
        let end = rest.firstIndex { "/?".contains($0) } ?? rest.endIndex
        let authority = try Authority(rest[..<end], of: text)
        let tail = rest[end...]
        let mark = tail.firstIndex(of: "?")
        let path = PercentEncoding.encoded(tail[..<(mark ?? tail.endIndex)])
        self.init(
            scheme: scheme,
            authority: authority,
            path: path.isEmpty ? "/" : path,
            query: mark.map { PercentEncoding.encoded(tail[tail.index(after: $0)...]) },
            fragment: fragment
        )
    }

    private init(scheme: Scheme, authority: Authority, path: String, query: String?, fragment: String?) {
        self.scheme = scheme
        credentials = authority.credentials
        host = authority.host
        port = authority.port == scheme.defaultPort ? nil : authority.port
        self.path = path
        self.query = query
        self.fragment = fragment
    }

    /// Where a `Location` field leads (RFC 3986, section 5.2): it may be relative to this address.
    public func resolving(_ location: String) throws(AddressError) -> WebAddress {
        if location.contains("://") { return try WebAddress(parsing: location) }
        let origin = "\(scheme)://\(authorityText)"
        if location.hasPrefix("//") { return try WebAddress(parsing: "\(scheme):\(location)") }
        if location.hasPrefix("/") { return try WebAddress(parsing: origin + location) }
        if location.hasPrefix("?") { return try WebAddress(parsing: origin + path + location) }
        let directory = path[...(path.lastIndex(of: "/") ?? path.startIndex)]
        return try WebAddress(parsing: origin + PercentEncoding.withoutDots(String(directory) + location))
    }

    /// Whether both lead to the same server under the same protocol, as credentials may only be given to.
    public func hasOrigin(of other: WebAddress) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    /// The last component of the path, decoded; `nil` where the path ends with a slash.
    public var fileName: String? {
        guard let last = path.split(separator: "/", omittingEmptySubsequences: false).last, !last.isEmpty else {
            return nil
        }
        let name = PercentEncoding.decoded(last)
        // A name is not a path, although what is decoded may look like one.
        guard name != ".", name != "..", !name.utf8.contains(0), !name.contains("/") else { return nil }
        return name
    }

    /// `host` or `host:port`, as in a request's `Host` field.
    public var authorityText: String {
        (host.contains(":") ? "[\(host)]" : host) + (port.map { ":\($0)" } ?? "")
    }

    /// What a request line has: path and query.
    public var requestTarget: String { path + (query.map { "?" + $0 } ?? "") }
}

extension WebAddress: CustomStringConvertible {
    public var description: String { "\(scheme)://\(authorityText)\(requestTarget)" }
}

/// A name and a password out of an address; the text form tells neither.
public struct Credentials: Sendable, Hashable, CustomStringConvertible {
    /// Decoded.
    public let name: String
    /// Decoded; empty where there is none.
    public let password: String

    init(_ userInfo: Substring) {
        let parts = userInfo.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        name = PercentEncoding.decoded(parts.first ?? "")
        password = parts.count == 2 ? PercentEncoding.decoded(parts[1]) : ""
    }

    /// The value of an `Authorization` field (RFC 7617).
    public var basicAuthorization: String { "Basic " + Base64.encoded(Array("\(name):\(password)".utf8)) }

    public var description: String { "credentials" }
}

/// The part of an address between `//` and the path.
struct Authority {
    let credentials: Credentials?
    let host: String
    let port: Int?

    init(_ authority: Substring, of text: String) throws(AddressError) {
        var rest = authority
        if let at = rest.lastIndex(of: "@") {
            credentials = Credentials(rest[..<at])
            rest = rest[rest.index(after: at)...]
        } else {
            credentials = nil
        }
        if let colon = rest.lastIndex(of: ":"), !rest.hasSuffix("]") {
            let digits = rest[rest.index(after: colon)...]
            guard digits.isEmpty || UInt16(digits) != nil else {
                throw .malformed(text, reason: "`\(digits)` is not a port")
            }
            port = Int(digits)
            rest = rest[..<colon]
        } else {
            port = nil
        }
        if rest.hasPrefix("["), rest.hasSuffix("]") { rest = rest.dropFirst().dropLast() }
        guard !rest.isEmpty else { throw .malformed(text, reason: "it has no host") }
        let letters = rest.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || "-._~:%".utf8.contains(byte)
        }
        guard letters else { throw .malformed(text, reason: "`\(rest)` is not a host") }
        host = rest.lowercased()
    }
}

extension String {
    /// The first place of a text.
    fileprivate func range(of text: String) -> Range<Index>? { firstRange(of: text) }
}
