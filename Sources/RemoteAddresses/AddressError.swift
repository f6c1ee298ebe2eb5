/// Why a text is not an address.
public enum AddressError: Error, Sendable, Equatable {
    /// The text is kept without the credentials it may have.
    case malformed(String, reason: String)
    /// A parameter of a Git address that does not exist, or that contradicts another one.
    case gitParameter(String, reason: String)
}

extension AddressError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .malformed(let text, let reason): "`\(withoutCredentials(text))` is not a valid address: \(reason)"
        case .gitParameter(let name, let reason): "the parameter `\(name)` of the Git address \(reason)"
        }
    }
}

/// An address as it was written, without what stands before `@` in its authority.
func withoutCredentials(_ text: String) -> String {
    guard let scheme = text.firstRange(of: "://") else { return text }
    let rest = text[scheme.upperBound...]
    let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
    guard let at = rest[..<end].lastIndex(of: "@") else { return text }
    return String(text[..<scheme.upperBound] + rest[rest.index(after: at)...])
}
