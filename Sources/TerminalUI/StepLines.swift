internal import Formatting
public import Reporting

/// What is reported about one step, in the words of the transcript of a build.
public enum StepLines {
    /// - Parameter stage: Its name, where there are several.
    public static func lines(
        stage: String?,
        number: Int,
        total: Int,
        text: String,
        state: String,
        explanation: StepExplanation?
    ) -> [String] {
        let prefix = stage.map { "[\(EscapedText.escaped($0))] " } ?? ""
        let title = number > 0 ? "Step \(number)/\(total) : " : "Step : "
        return ["\(prefix)\(title)\(EscapedText.escaped(text))", " ---> \(state)"] + (explanation?.indentedLines ?? [])
    }
}
