internal import OCI

/// What a request wants to do with a repository (distribution `docs/spec/auth/scope.md`).
public struct TokenScope: Sendable, Hashable {
    public enum Access: String, Sendable, Comparable {
        case pull
        case push

        public static func < (left: Access, right: Access) -> Bool { left.rawValue < right.rawValue }
    }

    let repository: String
    let access: Set<Access>
    /// The other repository of which a blob is to be mounted, which one must be allowed to pull.
    let source: String?

    public init(_ repository: String, _ access: Set<Access>, mountingFrom source: String? = nil) {
        self.repository = repository
        self.access = access
        self.source = source == repository ? nil : source
    }

    /// One for each repository; none to log in.
    var texts: [String] {
        guard !repository.isEmpty else { return [] }
        return ["repository:\(repository):" + access.sorted().map(\.rawValue).joined(separator: ",")]
            + (source.map { ["repository:\($0):pull"] } ?? [])
    }
}

/// A token that a server gave, with the time until which it is used.
struct AccessToken {
    let value: String
    let end: ContinuousClock.Instant

    var isFresh: Bool { ContinuousClock.now < end }

    /// Reads the answer of a token server (distribution `docs/spec/auth/token.md`).
    ///
    /// The lifetime counts from now on, so that a server whose clock is wrong does no harm.
    init?(_ bytes: [UInt8]) {
        guard let answer = try? CanonicalJSON.decode(Answer.self, from: bytes),
            let value = [answer.token, answer.accessToken].compactMap({ $0 }).first(where: { !$0.isEmpty }),
            value.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        self.value = value
        // A little less, for the time that the request takes; a minute where nothing is said.
        let seconds = Swift.min(Swift.max(answer.expiresIn ?? 60, 60), 86_400)
        end = .now + .seconds(seconds * 0.9)
    }

    private struct Answer: Decodable {
        let token: String?
        let accessToken: String?
        let expiresIn: Double?

        private enum CodingKeys: String, CodingKey {
            case token
            case accessToken = "access_token"
            case expiresIn = "expires_in"
        }

        /// What has another type than it should is as if it were not there.
        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            token = try? container.decode(String.self, forKey: .token)
            accessToken = try? container.decode(String.self, forKey: .accessToken)
            expiresIn = try? container.decode(Double.self, forKey: .expiresIn)
        }
    }
}
