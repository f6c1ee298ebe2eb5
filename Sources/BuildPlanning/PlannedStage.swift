public import DockerfileSyntax
public import OCI
public import Reporting

/// One stage of a Dockerfile with its `FROM` line resolved.
public struct PlannedStage: Sendable {
    /// The position in the file, counted over all stages from 0.
    public let index: Int
    /// The lower-cased name.
    public let name: String?
    /// The `FROM` instruction.
    public let from: Instruction
    /// The number of the `FROM` line in `Step 1/4`; 0 in a stage that the target does not need.
    public internal(set) var stepNumber: Int
    /// What the stage starts from.
    public let base: StageBase
    /// What the base is taken for, and the stage's image made for.
    public let platform: Platform
    /// The instructions after `FROM`, without triggers.
    public internal(set) var steps: [PlannedStep]
    /// The file indices of the stages that must be built before: base, `--from`, mounts and triggers of the base.
    public let dependencies: Set<Int>
    /// The images that `--from` and mounts take files from; not the base.
    public let images: Set<ImageSource>
}

/// What a stage starts from.
public enum StageBase: Sendable, Hashable {
    case scratch
    case image(ImageSource)
    /// An earlier stage, by its file index.
    case stage(Int)

    /// The file index of an earlier stage; `nil` for everything else.
    public var stage: Int? { if case .stage(let index) = self { index } else { nil } }
}

/// An image that files are taken from.
public struct ImageSource: Sendable, Hashable {
    /// Which image.
    public let reference: ImageReference
    /// For which platform.
    public let platform: Platform

    public init(reference: ImageReference, platform: Platform) {
        self.reference = reference
        self.platform = platform
    }
}

/// Where a copy or a mount takes its files from.
public enum ContentSource: Sendable, Hashable {
    case context
    /// The files of a `--build-context`, by its key.
    case named(String)
    case scratch
    /// An earlier stage, by its file index.
    case stage(Int)
    case image(ImageSource)

    /// The file index of an earlier stage; `nil` for everything else.
    public var stage: Int? { if case .stage(let index) = self { index } else { nil } }

    /// Whether the files are those of a build context.
    public var isContext: Bool {
        switch self {
        case .context, .named: true
        case .stage, .image, .scratch: false
        }
    }
}

/// One instruction of a stage, ready to be resolved against a `StageState`.
public struct PlannedStep: Sendable {
    /// What is done.
    public let instruction: Instruction
    /// The number in `Step 2/4`; 0 for triggers and for stages that the target does not need.
    public private(set) var number = 0
    /// The text that the instruction's ranges point into: the Dockerfile, or a trigger.
    public let source: SourceText
    /// Where the trigger's base is named, and in which text; `nil` for an instruction of the file itself.
    public let trigger: TriggerOrigin?
    /// What `COPY --from` names; `.context` without it.
    public let copySource: ContentSource
    /// What each `RUN --mount` takes its files from, in the order of the flags; `.context` without `from`.
    public let mountSources: [ContentSource]

    init(
        _ instruction: Instruction,
        in source: SourceText,
        trigger: TriggerOrigin? = nil,
        copySource: ContentSource,
        mountSources: [ContentSource] = []
    ) {
        self.instruction = instruction
        self.source = source
        self.trigger = trigger
        self.copySource = copySource
        self.mountSources = mountSources
    }

    /// The same step as number `number` of a build.
    func numbered(_ number: Int) -> PlannedStep {
        var step = self
        step.number = number
        return step
    }
}

/// The `FROM` line that made a trigger run.
public struct TriggerOrigin: Sendable {
    /// The text of the Dockerfile.
    public let source: SourceText
    /// The base word of the `FROM` line.
    public let range: SourceRange
}

/// The triggers of a base, to be executed right after `FROM`.
public struct PlannedTriggers: Sendable {
    /// In the order in which they are stored.
    public let steps: [PlannedStep]
    /// The stages that they copy from, by file index; they may be missing from `BuildPlan.stages`.
    public let dependencies: Set<Int>
    /// The images that they copy from.
    public let images: Set<ImageSource>
}
