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
    /// What is run, in either form.
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

    /// The keys besides `type` that each type of mount has, in their canonical spelling.
    public static let keys: [String: Set<String>] = [
        "bind": ["target", "source", "from", "readonly", "readwrite"],
        "cache": ["target", "source", "from", "readonly", "readwrite", "id", "sharing", "mode", "uid", "gid"],
        "tmpfs": ["target", "size", "readwrite"],
        "secret": ["target", "source", "id", "env", "required", "mode", "uid", "gid"],
        "ssh": ["target", "id", "required", "mode", "uid", "gid"],
    ]
}

/// `COPY` or `ADD`.
public struct CopyInstruction: Sendable {
    /// `ADD` rather than `COPY`.
    public let isAdd: Bool
    /// What is copied, in order.
    public let sources: [Source]
    /// Where to, unexpanded.
    public let destination: Word
    /// The value of `--from`, never expanded.
    public let from: Word?
    /// The value of `--chown`, unexpanded.
    public let chown: Word?
    /// The value of `--chmod`, unexpanded.
    public let chmod: Word?
    /// The value of `--checksum`, unexpanded.
    public let checksum: Word?
    /// Whether `--link` was given and is not false.
    public let link: Bool
    /// Whether `--parents` was given and is not false.
    public let parents: Bool
    /// Whether `--keep-git-dir` was given and is not false.
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
    /// The pairs in order; at least one.
    public let assignments: [Assignment]
    /// The old form `ENV NAME rest of the line`.
    public let isLegacy: Bool

    /// One `name=value`, both unexpanded.
    public struct Assignment: Sendable {
        /// What is set.
        public let name: Word
        /// What it is set to; the empty word when nothing follows `=`.
        public let value: Word
    }
}

/// `ARG NAME[=default] …`.
public struct ArgInstruction: Sendable {
    /// The names in order; at least one.
    public let declarations: [Declaration]

    /// One declared name.
    public struct Declaration: Sendable {
        /// The name as written.
        public let name: Word
        /// The unexpanded default; `nil` without `=`.
        public let defaultValue: Word?
    }
}

/// `VOLUME` with its paths, unexpanded.
public struct VolumeInstruction: Sendable {
    /// At least one path, none of them empty as written.
    public let paths: [Word]
    /// Whether the paths were a JSON array.
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
    /// The value of `--interval`.
    public let interval: Int64?
    /// The value of `--timeout`.
    public let timeout: Int64?
    /// The value of `--start-period`.
    public let startPeriod: Int64?
    /// The value of `--start-interval`.
    public let startInterval: Int64?
    /// The value of `--retries`, from 0.
    public let retries: Int?
}
