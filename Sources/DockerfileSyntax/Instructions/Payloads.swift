public import Reporting

/// `FROM [--platform=P] BASE [AS NAME]`.
public struct FromInstruction: Sendable {
    /// The image or stage, unexpanded.
    public let base: Word
    /// The value of `--platform`, unexpanded.
    public let platform: Word?
    /// The name after `AS` as written.
    public let name: Word?
    /// The word `AS` as written.
    public let asKeyword: Word?
}

/// A command in shell form (one text for a shell) or exec form (a JSON array).
public enum CommandForm: Sendable {
    case shell(Word)
    case exec([Word])

    /// Whether it was written as a JSON array.
    public var isExec: Bool { if case .exec = self { true } else { false } }
}

/// `RUN` with its flags.
public struct RunInstruction: Sendable {
    public let command: CommandForm
    /// The `--mount` flags.
    public let mounts: [MountFlag]
    /// `default`, `none` or `host`.
    public let network: Word?
    /// `sandbox` or `insecure`.
    public let security: Word?
    /// The `--device` values.
    public let devices: [Word]
    /// Whether a single heredoc is the whole command.
    public let isHeredocOnly: Bool
}

/// One `--mount=type=…,key=value`.
public struct MountFlag: Sendable {
    /// The options in order, the `type` among them.
    public let options: [Option]
    /// The whole flag.
    public let range: SourceRange

    /// One comma-separated field.
    public struct Option: Sendable {
        /// The lower-cased key in its canonical spelling (`target` for `dst`), at the field.
        public let key: Word
        /// The unexpanded value; `nil` for a field without `=`.
        public let value: Word?
    }
}

/// `COPY` or `ADD`.
public struct CopyInstruction: Sendable {
    /// `ADD` rather than `COPY`.
    public let isAdd: Bool
    public let sources: [Source]
    public let destination: Word
    public let from: Word?
    public let chown: Word?
    public let chmod: Word?
    public let checksum: Word?
    public let link: Bool
    public let parents: Bool
    public let keepGitDirectory: Bool
    /// The value of `--unpack`; `nil` when it was not given.
    public let unpack: Bool?
    /// The `--exclude` patterns, never expanded.
    public let excludes: [Word]
    /// Whether the paths were a JSON array.
    public let isJSON: Bool

    /// What is copied.
    public enum Source: Sendable {
        case path(Word)
        case heredoc(Heredoc)
    }
}

/// `ENV` or `LABEL`.
public struct AssignmentInstruction: Sendable {
    public let assignments: [Assignment]
    /// The old form `ENV NAME rest of the line`.
    public let isLegacy: Bool

    /// One `name=value`, both unexpanded.
    public struct Assignment: Sendable {
        public let name: Word
        public let value: Word
    }
}

/// `ARG NAME[=default] …`.
public struct ArgInstruction: Sendable {
    public let declarations: [Declaration]

    /// One declared name.
    public struct Declaration: Sendable {
        public let name: Word
        /// The unexpanded default; `nil` without `=`.
        public let defaultValue: Word?
    }
}

/// `VOLUME` with its paths, unexpanded.
public struct VolumeInstruction: Sendable {
    public let paths: [Word]
    public let isJSON: Bool
}

/// `ONBUILD` with the instruction that it stores.
public struct OnbuildInstruction: Sendable {
    /// The stored instruction, parsed in place.
    public let trigger: Instruction
    /// What goes into the image configuration: the text after `ONBUILD`, with heredoc bodies.
    public let storedText: String
}

/// `HEALTHCHECK` with durations in nanoseconds.
public struct HealthcheckInstruction: Sendable {
    /// `nil` for `HEALTHCHECK NONE`.
    public let command: CommandForm?
    public let interval: Int64?
    public let timeout: Int64?
    public let startPeriod: Int64?
    public let startInterval: Int64?
    public let retries: Int?
}
