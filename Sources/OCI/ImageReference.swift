/// The normalised name of an image: registry, repository, and a tag or digest.
///
/// `alpine` means `docker.io/library/alpine:latest`, as in Docker
/// (distribution reference grammar: `github.com/distribution/reference`).
public struct ImageReference: Sendable, Hashable {
    /// Host with an optional port, such as `docker.io` or `localhost:5000`.
    public let registry: String
    /// Repository path below the registry, such as `library/alpine`.
    public let repository: String
    /// The tag; `latest` where neither tag nor digest was given, `nil` where only a digest was given.
    public let tag: String?
    public let digest: Digest?

    /// Parses and normalises what a user typed.
    ///
    /// - Throws: `OCIError.invalidReference` or `.invalidDigest`.
    public init(parsing text: String) throws(OCIError) {
        func invalid(_ reason: String) -> OCIError { .invalidReference(text, reason: reason) }
        guard !text.isEmpty else { throw invalid("it is empty") }
        var rest = Substring(text)

        if let at = rest.firstIndex(of: "@") {
            digest = try Digest(parsing: rest[rest.index(after: at)...])
            rest = rest[..<at]
        } else {
            digest = nil
        }

        var tag: String?
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
            let word = String(rest[rest.index(after: colon)...])
            guard ImageReference.isTag(word) else {
                throw invalid(
                    "`\(word)` is not a valid tag: up to 128 letters, digits, `_`, `.` and `-`, not starting with `.` or `-`"
                )
            }
            tag = word
            rest = rest[..<colon]
        }
        self.tag = tag ?? (digest == nil ? "latest" : nil)

        var registry = "docker.io"
        if let slash = rest.firstIndex(of: "/") {
            let first = rest[..<slash]
            if first.contains(".") || first.contains(":") || first == "localhost" || first != first.lowercased() {
                guard ImageReference.isRegistry(first) else { throw invalid("`\(first)` is not a registry host") }
                registry = first == "index.docker.io" ? "docker.io" : String(first)
                rest = rest[rest.index(after: slash)...]
            }
        }
        guard !rest.isEmpty else { throw invalid("the repository is missing") }
        guard rest == rest.lowercased() else { throw invalid("repository names must be lowercase") }
        for component in rest.split(separator: "/", omittingEmptySubsequences: false)
        where !ImageReference.isComponent(component) {
            throw invalid(
                "`\(component)` is not a valid repository component: lower-case letters and digits, separated by `.`, `_`, `__` or `-`"
            )
        }
        guard rest.utf8.count <= 255 else { throw invalid("the repository is longer than 255 characters") }
        repository = registry == "docker.io" && !rest.contains("/") ? "library/" + String(rest) : String(rest)
        self.registry = registry
    }

    /// Creates a reference of parts that were validated before.
    private init(registry: String, repository: String, tag: String?, digest: Digest?) {
        self.registry = registry
        self.repository = repository
        self.tag = tag
        self.digest = digest
    }

    /// What has this digest in the same repository.
    public func naming(_ digest: Digest) -> ImageReference {
        ImageReference(registry: registry, repository: repository, tag: nil, digest: digest)
    }

    /// The name as users write it: without `docker.io/` and `library/`, with the tag or digest.
    public var familiar: String { familiarRepository + suffix }

    /// The repository as users write it, such as `alpine` or `localhost:5000/team/app`.
    public var familiarRepository: String {
        guard registry == "docker.io" else { return "\(registry)/\(repository)" }
        return repository.hasPrefix("library/") ? String(repository.dropFirst("library/".count)) : repository
    }

    /// Whether the name has the form of an image ID, `sha256:` with digits or 64 digits alone, so that it could not be told
    /// which of the two is meant.
    ///
    /// Docker refuses such names, too.
    public var hasFormOfID: Bool {
        let name = familiarRepository
        return name == "sha256" || (name.utf8.count == 64 && name.utf8.allSatisfy(ImageReference.isHexadecimal))
    }

    private var suffix: String {
        (tag.map { ":" + $0 } ?? "") + (digest.map { "@\($0)" } ?? "")
    }

    private static func isTag(_ word: String) -> Bool {
        guard let first = word.utf8.first, word.utf8.count <= 128, isAlphanumeric(first) || first == UInt8(ascii: "_")
        else { return false }
        return word.utf8.allSatisfy {
            isAlphanumeric($0) || [UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-")].contains($0)
        }
    }

    /// Host name labels with an optional port, or a bracketed IPv6 address.
    private static func isRegistry(_ text: Substring) -> Bool {
        var host = text
        if let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") {
            let port = text[text.index(after: colon)...]
            guard let number = UInt16(port), number > 0, port.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else {
                return false
            }
            host = text[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            return host.dropFirst().dropLast().utf8.allSatisfy { isHexadecimal($0) || $0 == UInt8(ascii: ":") }
        }
        return host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.utf8.first, let last = label.utf8.last else { return false }
            return isAlphanumeric(first) && isAlphanumeric(last)
                && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func isComponent(_ component: Substring) -> Bool {
        guard let first = component.utf8.first, let last = component.utf8.last, isLowerAlphanumeric(first),
            isLowerAlphanumeric(last)
        else { return false }
        // Separators between alphanumerics: one dot, one or two underscores, any number of dashes.
        var separator: [UInt8] = []
        for byte in component.utf8 {
            if isLowerAlphanumeric(byte) {
                let dashes = separator.allSatisfy { $0 == UInt8(ascii: "-") }
                guard
                    dashes || separator == [UInt8(ascii: ".")] || separator == [UInt8(ascii: "_")]
                        || separator == [UInt8(ascii: "_"), UInt8(ascii: "_")]
                else { return false }
                separator = []
            } else if [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-")].contains(byte) {
                separator.append(byte)
            } else {
                return false
            }
        }
        return true
    }

    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerAlphanumeric(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }
}

extension ImageReference: CustomStringConvertible {
    /// The full normalised name, such as `docker.io/library/alpine:latest`.
    public var description: String { "\(registry)/\(repository)\(suffix)" }
}
