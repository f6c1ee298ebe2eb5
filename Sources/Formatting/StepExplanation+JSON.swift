public import OCI
public import Reporting

extension JSONValue {
    /// An object without the members that have no value.
    public static func members(_ members: [String: JSONValue?]) -> JSONValue {
        .object(members.compactMapValues { $0 })
    }

    public static func number(of value: Int) -> JSONValue { .integer(Int64(value)) }
}

extension StepExplanation {
    /// The reasons as JSON.
    public var documents: [JSONValue] { reasons.map(\.document) }

    /// Lines to stand below a step.
    public var indentedLines: [String] { lines.enumerated().map { ($0 == 0 ? "  why: " : "       ") + $1 } }
}

extension StepExplanation.Reason {
    fileprivate var document: JSONValue {
        func masked(_ text: String?) -> JSONValue? { text.map { .string(CredentialMask.masked($0)) } }
        func reason(_ kind: String, _ members: [String: JSONValue?] = [:]) -> JSONValue {
            .members(members.merging(["kind": .string(kind)]) { $1 })
        }
        switch self {
        case .unknownStep: return reason("unknown-step")
        case .cacheNotUsed: return reason("cache-not-used")
        case .resultGone: return reason("result-gone")
        case .failedBefore: return reason("failed-before")
        case .inputsForgotten: return reason("inputs-forgotten")
        case .otherStepsBelow: return reason("other-steps-below")
        case .stepBelow(let number, let text, let stage):
            return reason(
                "step-below",
                ["step": .number(of: number), "instruction": .string(text), "stage": stage.map { .string($0) }]
            )
        case .stepBelowRemoved(let text): return reason("step-below-removed", ["instruction": .string(text)])
        case .imageMissing(let image): return reason("image-missing", ["name": .string(image)])
        case .filesNotMade(let stage): return reason("files-not-made", ["stage": stage.map { .string($0) }])
        case .instruction(let old, let new): return reason("instruction", ["old": masked(old), "new": masked(new)])
        case .base(let old, let new): return reason("base", ["old": .string(old), "new": .string(new)])
        case .value(let name, let old, let new):
            return reason("value", ["name": .string(name), "old": masked(old), "new": masked(new)])
        case .files(let files, let mount):
            let documents = files?.first.map { file -> JSONValue in
                let (old, new) = (file.old.map { JSONValue.string($0) }, file.new.map { JSONValue.string($0) })
                return .members([
                    "path": .string(file.path), "change": .string(file.change.rawValue), "old": old, "new": new,
                ])
            }
            return reason(
                "files",
                [
                    "name": mount.map { .string($0) }, "count": files.map { .number(of: $0.count) },
                    "files": documents.map { .list($0) },
                ]
            )
        }
    }
}
