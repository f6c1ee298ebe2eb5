/// One reason of an explanation, as JSON.
public struct ReasonDocument: Encodable {
    private struct File: Encodable {
        let path: String
        let change: String
        let old: String?
        let new: String?
    }

    private let kind: String
    private var name: String?
    private var old: String?
    private var new: String?
    private var step: Int?
    private var stage: String?
    private var instruction: String?
    private var count: Int?
    private var files: [File]?

    public init(_ reason: StepExplanation.Reason) {
        switch reason {
        case .unknownStep: kind = "unknown-step"
        case .cacheNotUsed: kind = "cache-not-used"
        case .resultGone: kind = "result-gone"
        case .failedBefore: kind = "failed-before"
        case .inputsForgotten: kind = "inputs-forgotten"
        case .otherStepsBelow: kind = "other-steps-below"
        case .stepBelow(let number, let text, let stage):
            kind = "step-below"
            (step, instruction, self.stage) = (number, text, stage)
        case .stepBelowRemoved(let text):
            kind = "step-below-removed"
            instruction = text
        case .imageMissing(let image):
            kind = "image-missing"
            name = image
        case .filesNotMade(let stage):
            kind = "files-not-made"
            self.stage = stage
        case .instruction(let old, let new):
            kind = "instruction"
            (self.old, self.new) = (CredentialMask.masked(old), CredentialMask.masked(new))
        case .base(let old, let new):
            kind = "base"
            (self.old, self.new) = (old, new)
        case .value(let name, let old, let new):
            kind = "value"
            self.name = name
            (self.old, self.new) = (old.map(CredentialMask.masked), new.map(CredentialMask.masked))
        case .files(let files, let mount):
            kind = "files"
            name = mount
            count = files?.count
            self.files = files?.first.map {
                File(path: $0.path, change: $0.change.rawValue, old: $0.old, new: $0.new)
            }
        }
    }
}

extension StepExplanation {
    /// Lines to stand below a step.
    public var indentedLines: [String] { lines.enumerated().map { ($0 == 0 ? "  why: " : "       ") + $1 } }
}
