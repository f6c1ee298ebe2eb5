import Reporting

/// Turns one logical line into an instruction.
struct InstructionParser {
    static let keywords = [
        "FROM", "RUN", "CMD", "ENTRYPOINT", "COPY", "ADD", "ENV", "ARG", "LABEL", "EXPOSE", "VOLUME", "USER", "WORKDIR",
        "ONBUILD", "STOPSIGNAL", "HEALTHCHECK", "SHELL", "MAINTAINER",
    ]

    let escape: UInt8

    /// The parts of a line that every instruction has.
    struct Line {
        let slice: LineSlice
        let keyword: Word
        let name: String
        let flags: [Flag]
        let arguments: LineSlice
        let heredocs: [Heredoc]

        /// What an error about missing arguments points at.
        var place: SourceRange { arguments.isEmpty ? keyword.range : arguments.range }
    }

    /// Reads keyword, flags and heredoc bodies; `reader` moves past the bodies.
    func instruction(
        _ slice: LineSlice,
        reader: inout LineReader,
        comments: [Word]
    ) throws(Diagnostic) -> Instruction {
        try instruction(slice, heredocs: try Self.heredocs(of: slice, from: &reader), comments: comments)
    }

    /// Reads the heredoc bodies behind a line.
    static func heredocs(of slice: LineSlice, from reader: inout LineReader) throws(Diagnostic) -> [Heredoc] {
        let (keyword, arguments) = slice.splitAtBlank
        let markers = hasHeredocs(keyword.word.text.uppercased(), arguments) ? HeredocParser.markers(in: slice) : []
        var heredocs: [Heredoc] = []
        for marker in markers { heredocs.append(try HeredocParser.body(of: marker, from: &reader)) }
        return heredocs
    }

    /// Whether an instruction may have heredocs: not in JSON form, and inside ONBUILD too.
    private static func hasHeredocs(_ name: String, _ arguments: LineSlice) -> Bool {
        switch name {
        case "RUN", "COPY", "ADD":
            let rest = FlagParser.split(arguments).rest
            if case .notJSON = JSONArray.parse(rest) { return true }
            return false
        case "ONBUILD":
            let (keyword, rest) = arguments.splitAtBlank
            let inner = keyword.word.text.uppercased()
            return inner != "ONBUILD" && hasHeredocs(inner, rest)
        default:
            return false
        }
    }

    func instruction(_ slice: LineSlice, heredocs: [Heredoc], comments: [Word]) throws(Diagnostic) -> Instruction {
        let (keywordSlice, allArguments) = slice.splitAtBlank
        let keyword = keywordSlice.word
        let name = keyword.text.uppercased()
        guard Self.keywords.contains(name) else {
            throw Diagnostic(
                "unknown instruction `\(keyword.text)`",
                at: keyword.range,
                label: SpellingSuggestion.closest(to: name, in: Self.keywords).map { "did you mean `\($0)`?" }
            )
        }
        let (flags, arguments) = FlagParser.split(allArguments)
        try FlagParser.validate(flags, for: name)
        let line = Line(
            slice: slice,
            keyword: keyword,
            name: name,
            flags: flags,
            arguments: arguments,
            heredocs: heredocs
        )
        return Instruction(
            kind: try kind(line),
            keyword: keyword,
            text: slice.word.text,
            range: slice.range,
            flags: flags,
            heredocs: heredocs,
            comments: comments
        )
    }

    private func kind(_ line: Line) throws(Diagnostic) -> Instruction.Kind {
        switch line.name {
        case "FROM": .from(try from(line))
        case "RUN": .run(try run(line))
        case "CMD": .cmd(try commandForm(line.arguments, of: line.name))
        case "ENTRYPOINT": .entrypoint(try commandForm(line.arguments, of: line.name))
        case "COPY", "ADD": .copy(try copy(line))
        case "ENV": .env(try assignments(line))
        case "LABEL": .label(try assignments(line))
        case "ARG": .arg(try arguments(line))
        case "EXPOSE": .expose(ports: try words(line))
        case "VOLUME": .volume(try volume(line))
        case "USER": .user(try wholeText(line))
        case "WORKDIR": .workdir(try wholeText(line))
        case "ONBUILD": .onbuild(try onbuild(line))
        case "STOPSIGNAL": .stopsignal(try wholeText(line))
        case "HEALTHCHECK": .healthcheck(try healthcheck(line))
        case "SHELL": .shell(try shell(line))
        default: .maintainer(try wholeText(line))
        }
    }

    func wholeText(_ line: Line) throws(Diagnostic) -> Word {
        guard !line.arguments.isEmpty else { throw missing(line, "one argument") }
        return line.arguments.word
    }

    func words(_ line: Line) throws(Diagnostic) -> [Word] {
        guard !line.arguments.isEmpty else { throw missing(line, "at least one argument") }
        return line.arguments.blankSeparatedWords
    }

    func missing(_ line: Line, _ what: String) -> Diagnostic {
        Diagnostic("\(line.name) needs \(what)", at: line.place)
    }

    /// The JSON array of an instruction; `nil` when it is not JSON.
    func json(_ slice: LineSlice, of name: String) throws(Diagnostic) -> [Word]? {
        switch JSONArray.parse(slice) {
        case .notJSON: return nil
        case .strings(let words): return words
        case .otherElement(let range):
            throw Diagnostic("the JSON form of \(name) holds strings only", at: range, label: "not a string")
        }
    }

    func commandForm(_ slice: LineSlice, of name: String) throws(Diagnostic) -> CommandForm {
        try json(slice, of: name).map { .exec($0) } ?? .shell(slice.word)
    }
}
