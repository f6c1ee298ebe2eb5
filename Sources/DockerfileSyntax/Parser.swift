public import Reporting

extension Dockerfile {
    /// Parses a Dockerfile.
    ///
    /// - Throws: all errors of the file together, sorted by place.
    public init(parsing source: SourceText) throws(DiagnosticsError) {
        var parser = DockerfileParser(source)
        parser.readInstructions()
        guard !parser.instructions.isEmpty || !parser.errors.isEmpty else {
            throw DiagnosticsError(
                source: source,
                diagnostics: [Diagnostic("the file has no instructions", at: nil)]
            )
        }
        let (globals, stages) = parser.stages()
        guard parser.errors.isEmpty else {
            throw DiagnosticsError(source: source, diagnostics: parser.errors)
        }
        self.init(
            source: source,
            directives: parser.directives,
            instructions: parser.instructions,
            globalArguments: globals,
            stages: stages,
            blankContinuations: parser.blankContinuations
        )
    }

    /// What stands before the first error of a file that cannot be parsed; `nil` where that is no instruction.
    public init?(beforeErrors error: DiagnosticsError) {
        guard let end = error.diagnostics.compactMap({ $0.range?.start }).min() else { return nil }
        var parser = DockerfileParser(error.source)
        parser.readInstructions()
        parser.cut(at: end)
        guard !parser.instructions.isEmpty else { return nil }
        let (globals, stages) = parser.stages()
        self.init(
            source: error.source,
            directives: parser.directives,
            instructions: parser.instructions,
            globalArguments: globals,
            stages: stages,
            blankContinuations: parser.blankContinuations
        )
    }

    /// Parses the text of one `ONBUILD` trigger, as an image configuration stores it.
    ///
    /// - Throws: errors in the text, with ranges in `source`.
    public static func parseTrigger(
        _ source: SourceText,
        escape: UInt8 = UInt8(ascii: "\\")
    ) throws(DiagnosticsError) -> [Instruction] {
        var parser = DockerfileParser(source, triggerEscape: escape)
        parser.readInstructions()
        for instruction in parser.instructions where ["FROM", "MAINTAINER", "ONBUILD"].contains(instruction.name) {
            parser.errors.append(
                Diagnostic("\(instruction.name) is not allowed as an ONBUILD trigger", at: instruction.keyword.range)
            )
        }
        guard parser.errors.isEmpty else {
            throw DiagnosticsError(source: source, diagnostics: parser.errors)
        }
        return parser.instructions
    }
}

/// Collects the instructions and errors of one file.
struct DockerfileParser {
    private(set) var instructions: [Instruction] = []
    private(set) var directives = ParserDirectives()
    private(set) var blankContinuations: [SourceRange] = []
    var errors: [Diagnostic] = []

    private let source: SourceText
    private let triggerEscape: UInt8?
    /// Enough for anybody; a binary file would give one for each line.
    private static let mostErrors = 50

    init(_ source: SourceText, triggerEscape: UInt8? = nil) {
        self.source = source
        self.triggerEscape = triggerEscape
    }

    mutating func readInstructions() {
        var found: [Instruction] = []
        readLines { slice, reader, comments throws(Diagnostic) in
            let parser = InstructionParser(escape: reader.escape)
            found.append(try parser.instruction(slice, reader: &reader, comments: comments))
        }
        instructions = found
    }

    /// Forgets everything that does not end before a place.
    fileprivate mutating func cut(at end: Int) {
        instructions.removeAll { $0.range.end > end }
        blankContinuations.removeAll { $0.end > (instructions.last?.range.end ?? 0) }
    }

    /// Finds the logical lines that are instructions, and takes directives and comments out.
    ///
    /// - Parameter read: Gets the line, the reader behind it, and the comments directly above.
    mutating func readLines(
        _ read: (LineSlice, inout LineReader, [Word]) throws(Diagnostic) -> Void
    ) {
        var reader = LineReader(source)
        var directiveParser = DirectiveParser()
        if let triggerEscape { reader.escape = triggerEscape }
        var comments: [Word] = []
        while errors.count < Self.mostErrors, let line = reader.nextLine() {
            if triggerEscape == nil, takeDirective(line, &directiveParser, &reader) { continue }
            let first = reader.firstNonBlank(line)
            if reader.isComment(line) {
                let comment = Self.comment(line, first, reader.bytes)
                // One that says nothing parts what stands above it from the instruction; a blank line does not (BuildKit).
                if comment.text.isEmpty { comments = [] } else { comments.append(comment) }
                continue
            }
            guard first < line.end else { continue }
            let slice = reader.logicalLine(from: line).slice
            if !slice.isEmpty {
                do { try read(slice, &reader, comments) } catch { errors.append(error) }
            }
            comments = []
        }
        directives = directiveParser.directives
        errors += reader.errors
        blankContinuations = reader.blankContinuations
    }

    /// Whether the line is a parser directive, or a faulty one.
    private mutating func takeDirective(
        _ line: PhysicalLine,
        _ parser: inout DirectiveParser,
        _ reader: inout LineReader
    ) -> Bool {
        guard !parser.isFinished else { return false }
        do {
            try parser.accept(line, in: reader)
            reader.escape = parser.directives.escape
        } catch {
            errors.append(error)
        }
        return !parser.isFinished
    }

    private static func comment(_ line: PhysicalLine, _ hash: Int, _ bytes: [UInt8]) -> Word {
        var start = hash + 1
        var end = line.end
        while start < end, bytes[start].isBlank { start += 1 }
        while end > start, bytes[end - 1].isBlank { end -= 1 }
        return Word(String(decoding: bytes[start..<end], as: UTF8.self), at: SourceRange(start, end))
    }

    /// Groups the instructions into stages.
    mutating func stages() -> (globals: [Instruction], stages: [Dockerfile.Stage]) {
        var globals: [Instruction] = []
        var stages: [(Instruction, FromInstruction, [Instruction])] = []
        for instruction in instructions {
            if case .from(let from) = instruction.kind {
                stages.append((instruction, from, []))
            } else if !stages.isEmpty {
                stages[stages.count - 1].2.append(instruction)
            } else if case .arg = instruction.kind {
                globals.append(instruction)
            } else if errors.isEmpty {
                errors.append(
                    Diagnostic(
                        "\(instruction.name) stands before the first FROM",
                        at: instruction.keyword.range,
                        hints: ["a Dockerfile begins with FROM; only ARG may come before it"]
                    )
                )
            }
        }
        if stages.isEmpty, errors.isEmpty {
            errors.append(Diagnostic("the file has no FROM instruction", at: nil))
        }
        return (
            globals,
            stages.enumerated().map { index, parts in
                Dockerfile.Stage(
                    index: index,
                    instruction: parts.0,
                    from: parts.1,
                    name: parts.1.name?.text.lowercased(),
                    instructions: parts.2
                )
            }
        )
    }
}
