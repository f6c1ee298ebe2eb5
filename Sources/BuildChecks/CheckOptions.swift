import DockerfileSyntax
import Reporting

/// Which rules are reported and whether what they find fails the build: `skip=A,B;error=true;experimental=all`.
struct CheckOptions {
    /// Some rules.
    enum Selection {
        case all
        case names([String])

        func contains(_ name: String) -> Bool {
            switch self {
            case .all: true
            case .names(let names): names.contains(name)
            }
        }
    }

    private(set) var skipped = Selection.names([])
    private(set) var experimental = Selection.names([])
    private(set) var isError = false

    /// The build argument that replaces what the file says.
    static let buildArgument = "BUILDKIT_DOCKERFILE_CHECK"

    init() {}

    /// Reads the value of a `check` directive; what stands behind its first blank is an explanation for people.
    ///
    /// - Throws: a sentence.
    init(directive text: String) throws(CheckOptionsError) { try self.init(parsing: String(text.prefix { $0 != " " })) }

    /// Reads the options themselves.
    ///
    /// - Throws: a sentence.
    init(parsing text: String) throws(CheckOptionsError) {
        for part in text.split(separator: ";") {
            let (key, value) = Self.pair(part)
            guard let value else { throw CheckOptionsError("invalid check option `\(key)`: it has no `=`") }
            switch key {
            case "skip": skipped = Self.selection(value)
            case "experimental": experimental = Self.selection(value)
            case "error":
                switch value.lowercased() {
                case "true", "t", "1": isError = true
                case "false", "f", "0": isError = false
                default: throw CheckOptionsError("the check option `error` is true or false, not `\(value)`")
                }
            default:
                throw CheckOptionsError("unknown check option `\(key)`: known are skip, error and experimental")
            }
        }
    }

    /// What the first `check` among the comments above one instruction says of it.
    ///
    /// It is a comment to every other reader, so what is not understood is not an error.
    init(comments: [Word]) {
        guard let text = comments.lazy.compactMap(Self.directive).first else { return }
        self = (try? CheckOptions(directive: text)) ?? CheckOptions()
    }

    /// Whether a comment is of the form that `init(comments:)` reads.
    static func isDirective(_ comment: Word) -> Bool {
        directive(comment).map { (try? CheckOptions(directive: $0)) != nil } ?? false
    }

    private static func directive(_ comment: Word) -> String? {
        let (key, value) = pair(comment.text[...])
        return key.lowercased() == "check" ? value : nil
    }

    /// Whether a rule is reported, where `inner` is said above the instruction.
    func reports(_ rule: CheckRule, with inner: CheckOptions = CheckOptions()) -> Bool {
        let all = [self, inner]
        if rule.isExperimental {
            // `skip=all` means the ordinary ones (BuildKit).
            return all.contains { $0.experimental.contains(rule.name) }
                && !all.contains { if case .names(let names) = $0.skipped { names.contains(rule.name) } else { false } }
        }
        return !all.contains { $0.skipped.contains(rule.name) }
    }

    private static func pair(_ text: Substring) -> (key: String, value: String?) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (trimmed(parts[0]), parts.count > 1 ? trimmed(parts[1]) : nil)
    }

    private static func selection(_ value: String) -> Selection {
        value == "all" ? .all : .names(value.split(separator: ",").map(trimmed))
    }

    private static func trimmed(_ text: Substring) -> String {
        let start = text.drop { $0 == " " || $0 == "\t" }
        return String(
            start[..<(start.lastIndex { $0 != " " && $0 != "\t" }.map { start.index(after: $0) } ?? start.startIndex)]
        )
    }
}

/// What is wrong with the value of a `check` directive.
struct CheckOptionsError: Error {
    let message: String

    init(_ message: String) { self.message = message }
}
