import Glibc
public import Reporting

/// What several `--filter NAME=VALUE` say, with the meaning that Docker gives them.
///
/// Values of one name are alternatives, but labels have to be there all (`filters.Args` of moby).
public struct NamedFilters: Sendable {
    private var values: [String: [String]] = [:]

    /// - Throws: `UserError` with the status for wrong use.
    public init(_ texts: [String], known: [String]) throws(UserError) {
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, known.contains(parts[0]) else {
                let names = known.joined(separator: ", ")
                throw UserError("--filter: unknown `\(text)`; known are NAME=VALUE of \(names)", status: .usage)
            }
            values[parts[0], default: []].append(parts[1])
        }
    }

    public var isEmpty: Bool { values.isEmpty }

    /// The values of a name, at least one; `nil` for a name that was not given.
    public subscript(name: String) -> [String]? { values[name] }

    /// Whether each name has a value of which something is true, all labels are there, and none that must not be.
    ///
    /// - Parameters:
    ///   - labels: Looked at only where a filter is about them.
    ///   - body: Whether a name's value fits.
    public func accepts(labels: @autoclosure () -> [String: String], _ body: (String, String) -> Bool) -> Bool {
        values.allSatisfy { name, values in
            guard name == "label" || name == "label!" else { return values.contains { body(name, $0) } }
            let present = labels()
            return values.allSatisfy { NamedFilters.has(present, $0) == (name == "label") }
        }
    }

    /// - Parameter wanted: `NAME` or `NAME=VALUE`.
    private static func has(_ labels: [String: String], _ wanted: String) -> Bool {
        let parts = wanted.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return labels[parts[0]].map { parts.count == 1 || $0 == parts[1] } ?? false
    }

    /// The value of a switch such as `dangling=true`; `nil` where it was not given.
    ///
    /// - Throws: `UserError` with the status for wrong use.
    public func isOn(_ name: String) throws(UserError) -> Bool? {
        guard let texts = values[name] else { return nil }
        let known = ["true": true, "1": true, "false": false, "0": false]
        for text in texts where known[text] == nil {
            throw UserError("--filter: `\(name)` is true or false, not `\(text)`", status: .usage)
        }
        let meanings = Set(texts.compactMap { known[$0] })
        guard meanings.count == 1 else {
            throw UserError("--filter: `\(name)` cannot be both true and false", status: .usage)
        }
        return meanings.first
    }

    /// Whether a name or ID has a part that a pattern describes.
    ///
    /// Docker's are regular expressions of Go; here they are those of `regex(7)`, which mean the same for `^web$`,
    /// `web.*` and `web|db`. What is none stands for itself.
    public static func matches(_ pattern: String, _ text: String) -> Bool {
        // Counts and references back may take any time or memory, and names have no braces.
        let pairs = zip(pattern.utf8, pattern.utf8.dropFirst())
        let isPlain =
            pattern.utf8.count > 1000 || pattern.contains("{")
            || pairs.contains { $0 == UInt8(ascii: "\\") && (48...57).contains($1) }
        var expression = regex_t()
        guard !isPlain, regcomp(&expression, pattern, REG_EXTENDED | REG_NOSUB) == 0 else {
            return text.contains(pattern)
        }
        defer { regfree(&expression) }
        return regexec(&expression, text, 0, nil, 0) == 0
    }
}
