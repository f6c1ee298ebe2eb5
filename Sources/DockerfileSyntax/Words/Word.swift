public import Reporting

/// A piece of a Dockerfile as it was written, continuations joined, variables and quotes untouched.
public struct Word: Sendable, Hashable {
    /// The text without the line breaks of continuations; for a JSON string, its decoded value.
    public let text: String
    /// Where it is; across a continuation, this covers the line break too.
    public let range: SourceRange

    /// Creates a word.
    public init(_ text: String, at range: SourceRange) {
        self.text = text
        self.range = range
    }
}
