import Containers
import FileSystem
import Formatting
import OCI
package import Reporting

/// What several `--filter NAME=VALUE` say, by name.
struct NamedFilters: Sendable {
    private var values: [String: [String]] = [:]

    /// - Throws: `UserError` with the status for wrong use.
    init(_ texts: [String], known: [String]) throws(UserError) {
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, known.contains(parts[0]) else {
                throw UserError(
                    "--filter: unknown `\(text)`; known are \(known.joined(separator: ", "))",
                    status: .usage
                )
            }
            values[parts[0], default: []].append(parts[1])
        }
    }

    var isEmpty: Bool { values.isEmpty }

    subscript(name: String) -> [String]? { values[name] }

    /// Whether each name has a value of which something is true; of labels, whether it is true of all.
    ///
    /// - Parameter body: The name and the value.
    func accepts(labels: [String: String], _ body: (String, String) -> Bool) -> Bool {
        values.allSatisfy { name, values in
            switch name {
            case "label": values.allSatisfy { NamedFilters.has(labels, $0) }
            case "label!": values.allSatisfy { !NamedFilters.has(labels, $0) }
            default: values.contains { body(name, $0) }
            }
        }
    }

    /// - Parameter wanted: `NAME` or `NAME=VALUE`.
    private static func has(_ labels: [String: String], _ wanted: String) -> Bool {
        let parts = wanted.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return labels[parts[0]].map { parts.count == 1 || $0 == parts[1] } ?? false
    }

    /// The value of a switch such as `dangling=true`.
    ///
    /// - Throws: `UserError` with the status for wrong use.
    func isOn(_ name: String) throws(UserError) -> Bool? {
        guard let text = values[name]?.last else { return nil }
        switch text {
        case "true", "1": return true
        case "false", "0": return false
        default: throw UserError("--filter: `\(name)` is true or false, not `\(text)`", status: .usage)
        }
    }
}

/// A point in time as options have it.
package enum TimeArgument {
    /// Reads a time of the day, seconds since 1970, or how long ago.
    ///
    /// - Returns: Nanoseconds since 1970.
    /// - Throws: `UserError` with the status for wrong use.
    package static func nanoseconds(_ option: String, _ text: String) throws(UserError) -> Int64 {
        if let seconds = Double(text), seconds.magnitude < 9e9 { return Int64(seconds * 1e9) }
        for candidate in [text, text + "Z", text + "T00:00:00Z"] {
            if let seconds = Timestamp(text: candidate).secondsSinceEpoch, seconds.magnitude < 9_000_000_000 {
                return seconds * 1_000_000_000
            }
        }
        guard let ago = GoDuration.age(text) else {
            throw UserError(
                "\(option): invalid time `\(text)`: expected, for example, 10m or 2026-01-02T15:04:05Z",
                status: .usage
            )
        }
        return WallClock.now - ago
    }
}
