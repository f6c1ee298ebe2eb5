public import Tar

/// Why something of an image cannot be shown or copied.
public enum AnalysisError: Error, Sendable, Equatable {
    case notFound(PathInRoot)
    /// The content of a directory, a device or the like was asked for.
    case noFile(PathInRoot, what: String)
    /// A copy needs a directory there.
    case noDestination(String)
    case destinationIsNoDirectory(String)
    /// A device, pipe or socket is there.
    case specialDestination(String)
}

extension AnalysisError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notFound(let path): "`\(path.escaped)` is not in the image"
        case .noFile(let path, let what): "`\(path.escaped)` is not a file but \(what)"
        case .noDestination(let path): "`\(path)` does not exist, so nothing can be copied into it"
        case .specialDestination(let path): "`\(path)` is a device, pipe or socket, and is not replaced"
        case .destinationIsNoDirectory(let path): "`\(path)` is not a directory, so no directory can be copied to it"
        }
    }
}
