public import Reporting

/// One instruction of a Dockerfile.
public struct Instruction: Sendable {
    /// What it does, with its arguments.
    public let kind: Kind
    /// The keyword as it was spelled.
    public let keyword: Word
    /// The keyword and the arguments on one line as written, continuations joined; of a heredoc, the first line.
    public let text: String
    /// From the keyword to the end of the last continued line, without heredoc bodies.
    public let range: SourceRange
    /// The `--name=value` words, in order.
    public let flags: [Flag]
    /// The here-documents, in the order of their words.
    public let heredocs: [Heredoc]
    /// The comment lines above, up to one without text or the instruction before, without `#` and blanks.
    public let comments: [Word]

    /// The instructions with their arguments.
    public indirect enum Kind: Sendable {
        case from(FromInstruction)
        case run(RunInstruction)
        case cmd(CommandForm)
        case entrypoint(CommandForm)
        /// `COPY` and `ADD`.
        case copy(CopyInstruction)
        case env(AssignmentInstruction)
        case label(AssignmentInstruction)
        case arg(ArgInstruction)
        case expose(ports: [Word])
        case volume(VolumeInstruction)
        case user(Word)
        case workdir(Word)
        case onbuild(OnbuildInstruction)
        case stopsignal(Word)
        case healthcheck(HealthcheckInstruction)
        case shell([Word])
        case maintainer(Word)
    }

    /// The upper-case keyword.
    public var name: String { keyword.text.uppercased() }
}

/// A `--name` or `--name=value` word behind an instruction's keyword.
public struct Flag: Sendable, Hashable {
    /// The name without dashes, and where `--name` is.
    public let name: Word
    /// What follows `=`, quotes and backslashes processed; `nil` without `=`.
    public let value: Word?
    /// The whole word.
    public let range: SourceRange

    /// `--name=value`, quotes and backslashes processed.
    var text: String { "--" + name.text + (value.map { "=" + $0.text } ?? "") }
}

/// A here-document: `<<EOF` and the lines up to `EOF`.
public struct Heredoc: Sendable, Hashable {
    /// The delimiter without quotes, which names the file.
    public let name: String
    /// The lines with their line ends, leading tabs removed for `<<-`.
    public let content: String
    /// The lines as they are in the file.
    public let rawContent: String
    /// Whether variables in the body are expanded where the instruction does that: no part of the delimiter was quoted.
    public let expands: Bool
    /// Whether it is the `<<-` form.
    public let stripsTabs: Bool
    /// The number before `<<`, 0 without one.
    public let fileDescriptor: Int
    /// The word `<<EOF`.
    public let range: SourceRange
    /// The body.
    public let contentRange: SourceRange
}
