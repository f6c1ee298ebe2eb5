internal import Reporting
internal import SystemPackage

/// The name of a project: letters, digits, `-` and `_`, beginning with a letter or digit, in lower case.
public struct ProjectName: Sendable, Hashable, CustomStringConvertible {
    public let text: String

    public var description: String { text }

    public init?(_ text: String) {
        guard !text.isEmpty, Self.reduced(text) == text else { return nil }
        self.text = text
    }

    /// Whatever of a text a name may have; `nil` where that is nothing.
    init?(reducing text: String) { self.init(Self.reduced(text)) }

    private static func reduced(_ text: String) -> String {
        let kept = text.lowercased().unicodeScalars.filter {
            $0.isASCII && (UInt8($0.value).beginsName || UInt8($0.value).isDigit || $0 == "-")
        }
        return String(String.UnicodeScalarView(kept.drop { $0 == "-" || $0 == "_" }))
    }

    /// - Throws: `UserError` where a name was given that is none.
    static func chosen(_ options: ProjectOptions, variables: [String: String]) throws(UserError) -> ProjectName? {
        let given = options.name ?? variables["COMPOSE_PROJECT_NAME"].flatMap { $0.isEmpty ? nil : $0 }
        guard let given else { return nil }
        if let name = ProjectName(given) { return name }
        throw UserError(
            "invalid project name `\(given)`",
            hints: [
                "expected lower-case letters, digits, `-` and `_`, beginning with a letter or digit"
                    + (ProjectName(reducing: given).map { ", for example `\($0)`" } ?? "")
            ]
        )
    }
}
