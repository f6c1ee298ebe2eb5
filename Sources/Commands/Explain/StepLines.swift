import Reporting

/// What is told of one step, in the words of the transcript of a build.
struct StepLines {
    /// `nil` where there is only one.
    let stage: String?
    let number: Int
    let total: Int
    let text: String
    let state: String
    let explanation: StepExplanation?

    var lines: [String] {
        let prefix = stage.map { "[\(EscapedText.escaped($0))] " } ?? ""
        let title = number > 0 ? "Step \(number)/\(total) : " : "Step : "
        return ["\(prefix)\(title)\(EscapedText.escaped(text))", " ---> \(state)"] + (explanation?.indentedLines ?? [])
    }
}
