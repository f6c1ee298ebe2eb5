public import Reporting

/// The syntax tree of one Dockerfile.
public struct Dockerfile: Sendable {
    /// The text that every range points into.
    public let source: SourceText
    /// The parser directives at the top.
    public let directives: ParserDirectives
    /// All instructions in file order.
    public let instructions: [Instruction]
    /// The `ARG` instructions before the first `FROM`.
    public let globalArguments: [Instruction]
    /// The stages in file order.
    public let stages: [Stage]
    /// Of each instruction that is continued across blank lines the first of these, in file order.
    public let blankContinuations: [SourceRange]

    /// One `FROM` with the instructions up to the next one.
    public struct Stage: Sendable {
        /// The position among the stages, from 0.
        public let index: Int
        /// The `FROM` instruction itself.
        public let instruction: Instruction
        /// What the `FROM` instruction says.
        public let from: FromInstruction
        /// The lower-cased name after `AS`.
        public let name: String?
        /// The instructions after the `FROM`.
        public let instructions: [Instruction]
    }

    init(
        source: SourceText,
        directives: ParserDirectives,
        instructions: [Instruction],
        globalArguments: [Instruction],
        stages: [Stage],
        blankContinuations: [SourceRange]
    ) {
        self.source = source
        self.directives = directives
        self.instructions = instructions
        self.globalArguments = globalArguments
        self.stages = stages
        self.blankContinuations = blankContinuations
    }
}

/// The `# key = value` lines at the very top of a Dockerfile.
public struct ParserDirectives: Sendable {
    /// The character that continues lines and escapes in words: a backslash or a backtick.
    public internal(set) var escape: UInt8 = UInt8(ascii: "\\")
    /// The image named by `syntax`, which we do not run.
    public internal(set) var syntax: Word?
    /// The value of `check`, such as `skip=all;error=true`.
    public internal(set) var check: Word?
}
