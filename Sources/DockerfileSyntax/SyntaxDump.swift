internal import Formatting
public import Reporting

/// The instructions of a file in the form in which BuildKit's parser dumps them, so that the two can be compared.
///
/// One line for each: `(copy ["--chown=1"] "a" "/b")`. It is what the first pass sees: flags and instructions need not
/// exist, words keep their quotes and variables, and the bodies of here-documents are left out.
public struct SyntaxDump {
    /// The lines without a line end at the last one.
    public let text: String

    /// Reads a file as far as BuildKit's parser does.
    ///
    /// - Throws: the errors of that pass: directives, lines that are too long, JSON elements that are not strings,
    ///   `ENV` and `LABEL` words without `=`, here-documents without end.
    public init(parsing source: SourceText) throws(DiagnosticsError) {
        var lines: [String] = []
        var parser = DockerfileParser(source)
        parser.readLines { slice, reader, _ throws(Diagnostic) in
            lines.append("(\(try Self.dump(slice, escape: reader.escape)))")
            _ = try InstructionParser.heredocs(of: slice, from: &reader)
        }
        if lines.isEmpty, parser.errors.isEmpty {
            parser.errors.append(Diagnostic("the file has no instructions", at: nil))
        }
        guard parser.errors.isEmpty else { throw DiagnosticsError(source: source, diagnostics: parser.errors) }
        text = lines.joined(separator: "\n")
    }

    private static func dump(_ slice: LineSlice, escape: UInt8, depth: Int = 0) throws(Diagnostic) -> String {
        guard depth < 100 else { throw Diagnostic("ONBUILD is nested more than 100 deep", at: slice.range) }
        let (keyword, all) = slice.splitAtBlank
        let (flags, arguments) = FlagParser.split(all)
        let name = keyword.word.text.uppercased()
        var result = keyword.word.text.lowercased()
        if !flags.isEmpty { result += " " + GoText.quoted(flags.map(\.text)) }
        if name == "ONBUILD", !arguments.isEmpty {
            return result + " (\(try dump(arguments, escape: escape, depth: depth + 1)))"
        }
        for word in try words(of: arguments, in: name, escape: escape) { result += " " + GoText.quoted(word) }
        return result
    }

    private static func words(
        of arguments: LineSlice,
        in name: String,
        escape: UInt8
    ) throws(Diagnostic) -> [String] {
        guard !arguments.isEmpty || !InstructionParser.keywords.contains(name) else { return [] }
        switch name {
        case "RUN", "CMD", "ENTRYPOINT", "SHELL":
            return try json(arguments, of: name) ?? [arguments.word.text]
        case "COPY", "ADD", "VOLUME":
            return try json(arguments, of: name) ?? arguments.blankSeparatedWords.map(\.text)
        case "HEALTHCHECK":
            let (type, command) = arguments.splitAtBlank
            if command.isEmpty { return [type.word.text] }
            return [type.word.text] + (try json(command, of: name) ?? [command.word.text])
        case "ENV", "LABEL":
            return try assignments(arguments, of: name, escape: escape)
        case "ARG": return arguments.shellWords(escape: escape).words.map(\.word.text)
        case "FROM", "EXPOSE": return arguments.blankSeparatedWords.map(\.text)
        case "MAINTAINER", "STOPSIGNAL", "USER", "WORKDIR": return [arguments.word.text]
        // Of an unknown instruction BuildKit's parser drops the arguments and keeps an empty word.
        default: return [""]
        }
    }

    private static func json(_ slice: LineSlice, of name: String) throws(Diagnostic) -> [String]? {
        try InstructionParser(escape: 0).json(slice, of: name)?.map(\.text)
    }

    /// Name, value and what stands between them: `=`, or nothing in the old form.
    private static func assignments(
        _ arguments: LineSlice,
        of name: String,
        escape: UInt8
    ) throws(Diagnostic) -> [String] {
        let words = arguments.shellWords(escape: escape).words
        func equals(_ word: LineSlice) -> Int? { word.line.bytes[word.start..<word.end].firstIndex(of: 0x3D) }
        if let first = words.first, equals(first) == nil {
            let (key, value) = arguments.splitAtBlank
            guard !value.isEmpty else {
                throw Diagnostic("\(name) needs a value for `\(key.word.text)`", at: key.range)
            }
            return [key.word.text, value.word.text, ""]
        }
        var result: [String] = []
        for word in words {
            guard let position = equals(word) else {
                throw Diagnostic("expected NAME=value, not `\(word.word.text)`", at: word.range)
            }
            result += [
                word.line.word(word.start, position).text, word.line.word(position + 1, word.end).text, "=",
            ]
        }
        return result
    }
}
