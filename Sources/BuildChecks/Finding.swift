import Reporting

/// One place at which a rule fires.
struct Finding {
    /// The instruction that it is about.
    let instruction: CheckedInstruction
    /// The instruction whose comments decide whether it is reported, unless that is the same one.
    var commented: CheckedInstruction?
    /// One lower-case sentence without a full stop.
    let message: String
    let range: SourceRange
    var label: String?
    var notes: [Diagnostic.Note] = []
    var hints: [String] = []

    init(
        _ message: String,
        in instruction: CheckedInstruction,
        commentedAt commented: CheckedInstruction? = nil,
        at range: SourceRange,
        label: String? = nil,
        notes: [Diagnostic.Note] = [],
        hints: [String] = []
    ) {
        self.instruction = instruction
        self.commented = commented
        self.message = message
        self.range = range
        self.label = label
        self.notes = notes
        self.hints = hints
    }

    func warning(of rule: CheckRule, saysHowToSilence: Bool) -> Diagnostic {
        let silence = "`# check=skip=\(rule.name)` above the instruction or at the top of the file silences this"
        return Diagnostic(
            .warning,
            message,
            at: range,
            rule: rule.name,
            label: label,
            notes: notes,
            hints: hints + (saysHowToSilence ? [silence] : [])
        )
    }
}
