public import Images
public import OCI
internal import Reporting
public import SystemPackage

/// Where an image to look at is: in the store, or wherever `skopeo`'s transports name one.
public enum ImageLocation: Sendable {
    /// A name, an ID or the start of one.
    case store(String)
    /// An OCI layout directory, or an archive of Docker or an OCI layout.
    case file(FilePath, LayoutSelector)
    case registry(ImageReference)

    /// For the help of commands.
    public static let help = """
        An image is a name or ID in the store, or one of
          oci:DIR[:TAG]             an OCI layout directory
          oci-archive:FILE[:TAG]    a tar of one, also compressed
          docker-archive:FILE[:NAME]  what `docker save` writes
          docker://NAME             in a registry
        """

    /// Parses what a user wrote.
    ///
    /// - Throws: `UserError` with the code for wrong use.
    public init(parsing text: String) throws {
        guard let (transport, rest) = ImageLocation.transport(of: text) else {
            self = .store(text)
            return
        }
        do {
            switch transport {
            case "docker://": self = .registry(try ImageReference(parsing: rest))
            case "oci:", "oci-archive:", "docker-archive:": self = try ImageLocation.file(rest)
            default:
                throw UserError(
                    "`\(text)`: images of `\(transport)` cannot be read",
                    hints: ["known are oci:, oci-archive:, docker-archive:, docker:// and images of the store"],
                    status: .usage
                )
            }
        } catch let error as OCIError {
            throw UserError("`\(text)`: \(error)", status: .usage)
        }
    }

    /// Splits `IMAGE:/path`; the path is everything from the first `:/` behind the transport.
    ///
    /// - Returns: `nil` as the path where there is none.
    public static func splitPath(_ text: String) -> (image: String, path: String?) {
        let start = transport(of: text).map { text.index(text.startIndex, offsetBy: $0.transport.count) }
        var position = start ?? text.startIndex
        while let colon = text[position...].firstIndex(of: ":") {
            let next = text.index(after: colon)
            if next < text.endIndex, text[next] == "/" { return (String(text[..<colon]), String(text[next...])) }
            position = next
        }
        return (text, nil)
    }

    private static let transports = [
        "docker://", "oci-archive:", "docker-archive:", "oci:", "docker-daemon:", "containers-storage:", "dir:",
    ]

    private static func transport(of text: String) -> (transport: String, rest: String)? {
        transports.first(where: text.hasPrefix).map { ($0, String(text.dropFirst($0.count))) }
    }

    /// `PATH`, `PATH:NAME` or `PATH@DIGEST`; as with skopeo, a path has no colon.
    private static func file(_ text: String) throws -> ImageLocation {
        if let at = text.firstRange(of: "@sha256:") {
            let digest = try Digest(parsing: text[text.index(after: at.lowerBound)...])
            return .file(FilePath(String(text[..<at.lowerBound])), .digest(digest))
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let path = parts.first, !path.isEmpty else {
            throw UserError("`\(text)`: the path is missing", status: .usage)
        }
        return .file(FilePath(path), parts.count > 1 && !parts[1].isEmpty ? .tag(parts[1]) : .only)
    }
}
