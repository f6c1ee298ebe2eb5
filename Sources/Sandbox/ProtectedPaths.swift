internal import CSandbox

/// What of `/proc` and `/sys` is hidden or read-only for a process without further privileges: Docker's list.
public enum ProtectedPaths {
    public static let masked = paths(hidden: true)
    public static let readOnly = paths(hidden: false)

    private static func paths(hidden: Bool) -> [String] {
        var result: [String] = []
        for index in Int32(0)... {
            guard let path = sb_masked_path(index) else { break }
            if sb_is_hidden(index) == (hidden ? 1 : 0) { result.append(String(cString: path)) }
        }
        return result
    }
}
