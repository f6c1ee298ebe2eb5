/// A Git repository, which commit of it, and which directory (`docker build` reference, "Git repositories").
///
/// Two forms: `https://host/repo.git#ref:directory`, and `https://host/repo.git?branch=b&subdir=d`. `ssh://`, `git://`
/// and `user@host:path` are always repositories, `http` and `https` addresses only where the path ends with `.git`.
public struct GitAddress: Sendable, Hashable {
    /// What `git` is given: without credentials, parameters and fragment.
    public let remote: String
    /// What `git` is to log in with, for `http` and `https`.
    public let credentials: Credentials?
    /// Where the credentials may be sent: scheme, host and port.
    public let origin: String?
    /// A branch, a tag, a full reference or a commit; `nil` for the repository's `HEAD`.
    public private(set) var reference: String?
    /// The directory of the repository that counts, without `.` and `..`; empty for all of it.
    public private(set) var subdirectory = ""
    /// What the commit's digest must begin with, in lower case.
    public private(set) var commit: String?
    /// Whether `.git` is there too; `nil` where the address does not say.
    public private(set) var keepsGitDirectory: Bool?
    public private(set) var fetchesSubmodules = true

    /// Reads an address.
    ///
    /// - Parameter isContext: Whether the user named it on the command line: `file://` and `github.com/user/repo` are
    ///   Git addresses there. A Dockerfile must not read repositories of the machine.
    /// - Returns: `nil` for what is no Git address at all.
    /// - Throws: `AddressError` for a Git address with something wrong.
    public init?(parsing text: String, isContext: Bool = false) throws(AddressError) {
        // `github.com/user/repo` is short for the https address.
        let isShort = isContext && text.hasPrefix("github.com/")
        let text = isShort ? "https://" + text : text
        var rest = text[...]
        let fragment = GitAddress.cut(&rest, at: "#")
        let query = rest.contains("://") ? GitAddress.cut(&rest, at: "?") : nil
        guard let scheme = GitAddress.scheme(of: rest, isContext: isContext) else { return nil }
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw .malformed(text, reason: "it has a control character")
        }
        if scheme == "http" || scheme == "https" {
            let address = try WebAddress(parsing: String(rest))
            guard isShort || address.path.hasSuffix(".git") else { return nil }
            remote = address.description
            credentials = address.credentials
            origin = "\(address.scheme)://\(address.authorityText)/"
        } else {
            remote = String(rest)
            credentials = nil
            origin = nil
        }
        if let query, !query.isEmpty {
            guard fragment == nil else { throw .gitParameter(String(query), reason: "cannot be beside a fragment") }
            try read(query)
        }
        if let fragment { try read(fragment: fragment) }
    }

    /// `scheme` of `scheme://…`, `ssh` for `user@host:path`; `nil` for anything but a repository.
    private static func scheme(of text: Substring, isContext: Bool) -> String? {
        if let colon = text.firstRange(of: "://") {
            let scheme = text[..<colon.lowerBound].lowercased()
            switch scheme {
            case "ssh", "git": return scheme
            case "file": return isContext ? scheme : nil
            case "http", "https": return scheme
            default: return nil
            }
        }
        guard let at = text.firstIndex(of: "@"), let colon = text.firstIndex(of: ":"), at < colon,
            at > text.startIndex, text.index(after: at) < colon, !text.hasPrefix("-")
        else { return nil }
        let isWord: (Character) -> Bool = { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
        return text[..<at].allSatisfy(isWord) && text[text.index(after: at)..<colon].allSatisfy(isWord) ? "ssh" : nil
    }

    private static func cut(_ text: inout Substring, at mark: Character) -> Substring? {
        guard let index = text.firstIndex(of: mark) else { return nil }
        defer { text = text[..<index] }
        return text[text.index(after: index)...]
    }

    private mutating func read(fragment: Substring) throws(AddressError) {
        let parts = fragment.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if let first = parts.first, !first.isEmpty { try set(reference: String(first), "ref") }
        if parts.count == 2 { subdirectory = GitAddress.cleaned(parts[1]) }
    }

    private mutating func read(_ query: Substring) throws(AddressError) {
        var seen: Set<String> = []
        for part in query.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = PercentEncoding.decoded(pair[0])
            let value = pair.count == 2 ? PercentEncoding.decoded(pair[1]) : ""
            guard seen.insert(name).inserted else { throw .gitParameter(name, reason: "is there twice") }
            switch name {
            case "ref": try set(reference: value, name)
            case "branch": try set(reference: "refs/heads/" + value, name)
            case "tag": try set(reference: "refs/tags/" + value, name)
            case "subdir": subdirectory = GitAddress.cleaned(value[...])
            case "commit", "checksum":
                guard commit == nil else { throw .gitParameter(name, reason: "repeats `commit`") }
                commit = try GitAddress.commit(value, name)
            case "keep-git-dir": keepsGitDirectory = try GitAddress.boolean(value, name)
            case "submodules": fetchesSubmodules = try GitAddress.boolean(value, name)
            default:
                throw .gitParameter(
                    name,
                    reason:
                        "does not exist; known are ref, branch, tag, commit, checksum, subdir, keep-git-dir, submodules"
                )
            }
        }
    }

    private mutating func set(reference value: String, _ name: String) throws(AddressError) {
        guard reference == nil else { throw .gitParameter(name, reason: "contradicts another one") }
        // git-check-ref-format(1), and nothing that could be taken for an option.
        guard !value.isEmpty, !value.hasPrefix("-"), !value.hasSuffix("/"), !value.contains(".."),
            !value.contains(where: { " ~^:?*[\\".contains($0) })
        else { throw .gitParameter(name, reason: "is not the name of a branch, tag or commit: `\(value)`") }
        reference = value
    }

    /// The same with a prefix that the commit's digest must have, as `--checksum` gives it.
    public func checked(against checksum: String) throws(AddressError) -> GitAddress {
        var result = self
        let commit = try GitAddress.commit(checksum, "checksum")
        guard self.commit == nil || self.commit == commit else {
            throw .gitParameter("checksum", reason: "differs from the commit of --checksum")
        }
        result.commit = commit
        return result
    }

    private static func commit(_ value: String, _ name: String) throws(AddressError) -> String {
        guard (7...64).contains(value.utf8.count), value.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
            throw .gitParameter(name, reason: "is not 7 to 64 digits of a commit: `\(value)`")
        }
        return value.lowercased()
    }

    private static func boolean(_ value: String, _ name: String) throws(AddressError) -> Bool {
        switch value.lowercased() {
        case "", "1", "true": return true
        case "0", "false": return false
        default: throw .gitParameter(name, reason: "is true or false, not `\(value)`")
        }
    }

    /// A path below the repository; `..` cannot lead out of it.
    private static func cleaned(_ path: Substring) -> String {
        var components: [Substring] = []
        for component in path.split(separator: "/") where component != "." {
            if component == ".." { _ = components.popLast() } else { components.append(component) }
        }
        return components.joined(separator: "/")
    }
}

extension GitAddress: CustomStringConvertible {
    /// Remote, reference and directory as in the form with a fragment.
    public var description: String {
        let place = (reference ?? "") + (subdirectory.isEmpty ? "" : ":" + subdirectory)
        return place.isEmpty ? remote : "\(remote)#\(place)"
    }
}

/// What a text names other than a path.
public enum RemoteAddress: Sendable, Hashable {
    case web(WebAddress)
    case git(GitAddress)

    /// - Returns: `nil` for a path.
    /// - Throws: `AddressError` for what begins as an address and is none.
    public init?(parsing text: String, isContext: Bool = false) throws(AddressError) {
        guard text.utf8.contains(UInt8(ascii: ":")) || text.hasPrefix("github.com/") else { return nil }
        if let git = try GitAddress(parsing: text, isContext: isContext) {
            self = .git(git)
        } else if text.hasPrefix("http://") || text.hasPrefix("https://") {
            self = .web(try WebAddress(parsing: text))
        } else {
            return nil
        }
    }
}
