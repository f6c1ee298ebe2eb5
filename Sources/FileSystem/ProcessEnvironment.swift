internal import Glibc

/// The variables that this process was started with.
public enum ProcessEnvironment {
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
