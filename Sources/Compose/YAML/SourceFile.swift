public import Reporting
public import SystemPackage

/// A file of a project as it was read, to which every value knows its way back.
public final class SourceFile: Sendable {
    /// The text under the name that messages show.
    public let text: SourceText
    /// The absolute path; of standard input, a name in the directory that relative paths begin at.
    public let path: FilePath

    public init(_ text: SourceText, path: FilePath) {
        self.text = text
        self.path = path
    }
}

/// Where a value stands.
public struct Place: Sendable {
    public let file: SourceFile
    public let range: SourceRange

    public init(_ file: SourceFile, _ range: SourceRange) {
        self.file = file
        self.range = range
    }

    /// `path:line`, for a message about another place.
    var description: String { "\(file.text.name):\(file.text.line(at: range.start))" }
}
