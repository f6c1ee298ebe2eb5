/// One build check: something that is accepted and probably not meant.
///
/// Each has a file in `Rules` and a page in `docs/checks`, both of its name.
public struct CheckRule: Sendable {
    /// What it is called in messages and in `# check=skip=…`.
    public let name: String
    /// Whether it is only reported when it was asked for with `# check=experimental=…`.
    public let isExperimental: Bool

    let findings: @Sendable (CheckedDockerfile) -> [Finding]

    init(
        _ name: String,
        isExperimental: Bool = false,
        findings: @escaping @Sendable (CheckedDockerfile) -> [Finding]
    ) {
        self.name = name
        self.isExperimental = isExperimental
        self.findings = findings
    }

    /// A rule that looks at the instructions one by one.
    init(
        _ name: String,
        isExperimental: Bool = false,
        each: @escaping @Sendable (CheckedInstruction) -> [Finding]
    ) {
        self.init(name, isExperimental: isExperimental) { $0.instructions.flatMap(each) }
    }

    /// Every rule, sorted by name.
    public static let all: [CheckRule] = [
        .consistentInstructionCasing, .copyIgnoredFile, .duplicateStageName, .exposeInvalidFormat, .exposeProtoCasing,
        .fromAsCasing, .fromPlatformFlagConstDisallowed, .invalidBaseImagePlatform, .invalidDefaultArgInFrom,
        .invalidDefinitionDescription, .jsonArgsRecommended, .legacyKeyValueFormat, .maintainerDeprecated,
        .multipleInstructionsDisallowed, .noEmptyContinuation, .redundantTargetPlatform, .reservedStageName,
        .secretsUsedInArgOrEnv, .stageNameCasing, .undefinedArgInFrom, .undefinedVar, .workdirRelativePath,
    ]
}
