/// Why files could not be copied from or to a container.
public enum FileCopyError: Error, Sendable, Equatable, CustomStringConvertible {
    case notFound(String, inContainer: Bool)
    case notADirectory(String)
    /// What would hold the copy does not exist.
    case noDestination(String)
    case directoryOverFile(String)
    /// A device, pipe or socket is there.
    case specialDestination(String)
    /// A part of /proc or the like.
    case systemFile(String)

    public var description: String {
        switch self {
        case .notFound(let path, let isInContainer):
            "`\(path)` \(isInContainer ? "is not in the container" : "does not exist")"
        case .notADirectory(let path): "`\(path)` is not a directory"
        case .noDestination(let path): "`\(path)` does not exist, so nothing can be copied into it"
        case .directoryOverFile(let path): "`\(path)` is not a directory, so no directory can be copied to it"
        case .specialDestination(let path): "`\(path)` is a device, pipe or socket, and is not replaced"
        case .systemFile(let path):
            "`\(path)` belongs to the kernel's view of processes and devices, and cannot be copied"
        }
    }
}
