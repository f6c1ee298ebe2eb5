public import SystemPackage

/// Why a login can be neither found nor kept.
public enum LoginError: Error, Sendable {
    case invalidFile(FilePath, reason: String)
    case helperMissing(String, host: String)
    /// What the helper says; it may not hold the secret, which only its standard output has.
    case helperFailed(String, host: String, message: String)
}

extension LoginError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .invalidFile(let path, let reason): "`\(path)` cannot be used: \(reason)"
        case .helperMissing(let helper, let host):
            "`\(helper)`, which keeps the login for `\(host)`, is not installed"
        case .helperFailed(let helper, let host, let message): "`\(helper)` has no login for `\(host)`: \(message)"
        }
    }

    public var hint: String? {
        switch self {
        case .invalidFile: nil
        case .helperMissing, .helperFailed: "`credsStore` and `credHelpers` in the configuration name the helpers"
        }
    }
}
