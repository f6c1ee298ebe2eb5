internal import Formatting
public import Reporting

/// What is told of one step, in the words of the transcript of a build.
public struct StepLines {
    /// `nil` where there is only one.
    let stage: String?
    let number: Int
    let total: Int
    let text: String
    let state: String
    let explanation: StepExplanation?

    public init(
        stage: String?,
        number: Int,
        total: Int,
        text: String,
        state: String,
        explanation: StepExplanation?
    ) {
        (self.stage, self.number, self.total) = (stage, number, total)
        (self.text, self.state, self.explanation) = (text, state, explanation)
    }

    public var lines: [String] {
        let prefix = stage.map { "[\(EscapedText.escaped($0))] " } ?? ""
        let title = number > 0 ? "Step \(number)/\(total) : " : "Step : "
        return ["\(prefix)\(title)\(EscapedText.escaped(text))", " ---> \(state)"] + (explanation?.indentedLines ?? [])
    }
}
