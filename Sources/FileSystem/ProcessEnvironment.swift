internal import Glibc

/// The variables that this process was started with.
public enum ProcessEnvironment {
    /// One of them, without reading the others.
    public static subscript(name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// All of them by name, read when they are first asked for.
    public static let variables: [String: String] = {
        var variables: [String: String] = [:]
        var position = environ
        while let entry = position.pointee {
            let parts = String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            position += 1
        }
        return variables
    }()
}
