public import HTTPTransport
public import OCI

/// Why a registry did not give or take what was asked for.
public struct RegistryError: Error, Sendable {
    public enum Reason: Sendable {
        /// It wants a login, or another one (401).
        case unauthorized
        /// The login is not allowed that (403).
        case denied
        /// There is no such repository, tag or blob (404).
        case notFound
        /// Any other status that does not mean success.
        case status(Int)
        /// No answer, or one that broke off.
        case transport(HTTPError)
        /// The bytes have another digest than the one they were asked for by.
        case wrongDigest(expected: Digest)
        /// There are more bytes, or fewer, than the descriptor says.
        case wrongSize(expected: Int64)
        /// An answer that is not what the specification says.
        case malformed(String)
        /// The configuration forbids this registry.
        case blocked(file: String)
        /// Name and password would be sent in the clear, or to a server that they are not for.
        case unsafeLogin(realm: String)
    }

    public let reason: Reason
    /// Host and port.
    public let host: String
    /// What it was about, such as "manifest `latest` of `library/alpine`".
    public let subject: String
    /// What the registry itself says, without control characters.
    public let message: String?

    public init(_ reason: Reason, host: String, subject: String, message: String? = nil) {
        self.reason = reason
        self.host = host
        self.subject = subject
        self.message = message
    }

    /// What the user can do.
    public var hints: [String] {
        switch reason {
        case .unauthorized: ["`swiftbuild login \(host)` saves a name and password for it"]
        case .denied: ["the login for `\(host)` may lack that permission; `swiftbuild login \(host)` saves another one"]
        case .notFound: ["check the name; a private repository also needs `swiftbuild login \(host)`"]
        case .transport(let error): error.hint.map { [$0] } ?? []
        case .unsafeLogin: ["name the registry with https, or use a token server with https"]
        case .status(429): ["the rate limit of the registry is exceeded; a login may raise it"]
        case .status, .wrongDigest, .wrongSize, .malformed, .blocked: []
        }
    }

    /// Whether there is none of it, rather than something wrong.
    public var isNotFound: Bool { if case .notFound = reason { true } else { false } }

    /// Whether a manifest may have been refused since a blob is missing (MANIFEST_BLOB_UNKNOWN).
    public var isOfManifestWithoutBlobs: Bool {
        switch reason {
        case .status(400), .notFound: true
        default: false
        }
    }
}

extension RegistryError: CustomStringConvertible {
    public var description: String {
        let about = "\(subject) at `\(host)`"
        let said = message.map { ": \($0)" } ?? ""
        switch reason {
        case .unauthorized: return "the registry requires a login for \(about)\(said)"
        case .denied: return "the registry refuses \(about)\(said)"
        case .notFound: return "there is no \(about)\(said)"
        case .status(let status): return "the registry answered \(status) for \(about)\(said)"
        case .transport(let error): return "\(about): \(error)"
        case .wrongDigest(let expected):
            return "\(about) does not have the digest \(expected), by which it was requested"
        case .wrongSize(let expected): return "\(about) is not \(expected) bytes long, as its descriptor says"
        case .malformed(let reason): return "the answer for \(about) is not valid: \(reason)"
        case .blocked(let file): return "`\(file)` blocks \(about)"
        case .unsafeLogin(let realm):
            return "the login for `\(host)` is not sent to `\(realm)`, which is reached without https"
        }
    }
}
