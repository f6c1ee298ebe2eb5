/// What is wrong with a value of the OCI specifications.
public enum OCIError: Error, Sendable, Equatable {
    case invalidDigest(String)
    case invalidReference(String, reason: String)
    case invalidPlatform(String)
}

extension OCIError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .invalidDigest(let text): "invalid digest `\(text.prefix(100))`: expected sha256 and 64 hexadecimal digits"
        case .invalidReference(let text, let reason): "invalid image name `\(text.prefix(300))`: \(reason)"
        case .invalidPlatform(let text):
            "invalid platform `\(text.prefix(100))`: expected OS/ARCHITECTURE[/VARIANT], such as linux/amd64"
        }
    }
}
