import BuildPlanning

extension CheckRule {
    /// A variable is neither declared by `ARG` nor set by `ENV` or the base image.
    static let undefinedVar = CheckRule("UndefinedVar") { (checked: CheckedInstruction) in
        guard let resolved = checked.resolved else { return [] }
        return resolved.unsetVariables.map { variable in
            Finding(
                "the variable `\(variable.name)` is not set",
                in: checked,
                at: variable.range,
                label: variable.suggestion.map { "did you mean `\($0)`?" },
                hints: resolved.knowsBase
                    ? [] : ["the base image is not in the store: the variable may be one of those that it sets"]
            )
        }
    }
}
