import Formatting
import Reporting

// One function for each instruction.
extension InstructionParser {
    func from(_ line: Line) throws(Diagnostic) -> FromInstruction {
        let words = line.arguments.blankSeparatedWords
        let platform = line.flags.value("platform")
        if words.count == 1 {
            return FromInstruction(base: words[0], platform: platform, name: nil, asKeyword: nil)
        }
        guard words.count == 3, words[1].text.lowercased() == "as" else {
            throw Diagnostic(
                "FROM needs an image, or an image and `AS` and a name",
                at: words.count > 1 ? words[1].range : line.place
            )
        }
        let name = words[2]
        let bytes = Array(name.text.lowercased().utf8)
        let isValid =
            bytes.first?.isLetter == true
            && bytes.allSatisfy { $0.isLetter || $0.isDigit || [0x2D, 0x5F, 0x2E].contains($0) }
        guard isValid else {
            throw Diagnostic(
                "invalid stage name `\(name.text)`",
                at: name.range,
                hints: ["a stage name starts with a letter; letters, digits, `-`, `_` and `.` may follow"]
            )
        }
        return FromInstruction(base: words[0], platform: platform, name: name, asKeyword: words[1])
    }

    func run(_ line: Line) throws(Diagnostic) -> RunInstruction {
        let command = try commandForm(line.arguments, of: "RUN")
        // In shell form a command without words is one for the shell, too (BuildKit).
        if case .exec(let words) = command, words.isEmpty { throw missing(line, "a command") }
        let network = line.flags.value("network")
        if let network, !["default", "none", "host"].contains(network.text) {
            throw Diagnostic("invalid network `\(network.text)`", at: network.range, label: "default, none or host")
        }
        let security = line.flags.value("security")
        if let security, !["sandbox", "insecure"].contains(security.text) {
            throw Diagnostic(
                "invalid security mode `\(security.text)`",
                at: security.range,
                label: "sandbox or insecure"
            )
        }
        var mounts: [MountFlag] = []
        for flag in line.flags where flag.name.text == "mount" { mounts.append(try MountParser.parse(flag)) }
        let isHeredocOnly = line.heredocs.count == 1 && line.heredocs[0].range == line.arguments.range
        return RunInstruction(
            command: command,
            mounts: mounts,
            network: network,
            security: security,
            devices: line.flags.values("device"),
            isHeredocOnly: isHeredocOnly
        )
    }

    func copy(_ line: Line) throws(Diagnostic) -> CopyInstruction {
        let json = try json(line.arguments, of: line.name)
        let words = json ?? line.arguments.blankSeparatedWords
        guard words.count >= 2, let destination = words.last else {
            throw missing(line, "at least one source, and a destination")
        }
        let byStart = Dictionary(line.heredocs.map { ($0.range.start, $0) }) { first, _ in first }
        if let heredoc = byStart[destination.range.start], json == nil {
            throw Diagnostic("a here-document cannot be the destination of \(line.name)", at: heredoc.range)
        }
        let sources = words.dropLast().map { word -> CopyInstruction.Source in
            json == nil ? byStart[word.range.start].map { .heredoc($0) } ?? .path(word) : .path(word)
        }
        return CopyInstruction(
            isAdd: line.name == "ADD",
            sources: sources,
            destination: destination,
            from: line.flags.value("from"),
            chown: line.flags.value("chown"),
            chmod: line.flags.value("chmod"),
            checksum: line.flags.value("checksum"),
            link: line.flags.boolean("link") ?? false,
            parents: line.flags.boolean("parents") ?? false,
            keepGitDirectory: line.flags.boolean("keep-git-dir") ?? false,
            unpack: line.flags.boolean("unpack"),
            excludes: line.flags.values("exclude"),
            isJSON: json != nil
        )
    }

    func assignments(_ line: Line) throws(Diagnostic) -> AssignmentInstruction {
        let words = line.arguments.shellWords(escape: escape).words
        guard let first = words.first else { throw missing(line, "at least one NAME=value") }
        func equals(_ slice: LineSlice) -> Int? {
            slice.line.bytes[slice.start..<slice.end].firstIndex(of: UInt8(ascii: "="))
        }
        if equals(first) == nil {
            let (name, value) = line.arguments.splitAtBlank
            guard !value.isEmpty else {
                throw Diagnostic(
                    "\(line.name) needs a value for `\(name.word.text)`",
                    at: name.range,
                    label: "no `=` here"
                )
            }
            return AssignmentInstruction(assignments: [.init(name: name.word, value: value.word)], isLegacy: true)
        }
        var assignments: [AssignmentInstruction.Assignment] = []
        for word in words {
            guard let position = equals(word) else {
                throw Diagnostic(
                    "expected NAME=value, not `\(word.word.text)`",
                    at: word.range,
                    label: "no `=` here",
                    hints: word.first == UInt8(ascii: "#") ? ["put the comment on a separate line"] : []
                )
            }
            guard position > word.start else {
                throw Diagnostic("\(line.name) needs a name before `=`", at: word.range)
            }
            let value =
                position + 1 < word.end
                ? word.line.word(position + 1, word.end) : Word("", at: word.line.range(word.start, word.end))
            assignments.append(.init(name: word.line.word(word.start, position), value: value))
        }
        return AssignmentInstruction(assignments: assignments, isLegacy: false)
    }

    func arguments(_ line: Line) throws(Diagnostic) -> ArgInstruction {
        let words = line.arguments.shellWords(escape: escape).words
        guard !words.isEmpty else { throw missing(line, "at least one name") }
        var declarations: [ArgInstruction.Declaration] = []
        for word in words {
            let bytes = word.line.bytes[word.start..<word.end]
            let position = bytes.firstIndex(of: UInt8(ascii: "="))
            guard position != word.start else { throw Diagnostic("ARG needs a name before `=`", at: word.range) }
            let value = position.map {
                $0 + 1 < word.end ? word.line.word($0 + 1, word.end) : Word("", at: word.range)
            }
            declarations.append(.init(name: word.line.word(word.start, position ?? word.end), defaultValue: value))
        }
        return ArgInstruction(declarations: declarations)
    }

    func volume(_ line: Line) throws(Diagnostic) -> VolumeInstruction {
        let json = try json(line.arguments, of: "VOLUME")
        let paths: [Word]
        if let json { paths = json } else { paths = try words(line) }
        guard !paths.isEmpty else { throw missing(line, "at least one path") }
        if let empty = paths.first(where: { $0.text.isEmpty }) {
            throw Diagnostic("a VOLUME path must not be empty", at: empty.range)
        }
        return VolumeInstruction(paths: paths, isJSON: json != nil)
    }

    func shell(_ line: Line) throws(Diagnostic) -> [Word] {
        guard let words = try json(line.arguments, of: "SHELL"), !words.isEmpty else {
            throw Diagnostic(
                "SHELL needs a JSON array with at least one word",
                at: line.place,
                hints: ["for example SHELL [\"/bin/bash\", \"-c\"]"]
            )
        }
        return words
    }

    func onbuild(_ line: Line) throws(Diagnostic) -> OnbuildInstruction {
        guard !line.arguments.isEmpty else { throw missing(line, "an instruction") }
        let keyword = line.arguments.splitAtBlank.first.word
        if ["FROM", "MAINTAINER", "ONBUILD"].contains(keyword.text.uppercased()) {
            throw Diagnostic("\(keyword.text.uppercased()) is not allowed as an ONBUILD trigger", at: keyword.range)
        }
        let trigger = try instruction(line.arguments, heredocs: line.heredocs, comments: [])
        var stored = line.arguments.word.text
        for heredoc in line.heredocs { stored += "\n" + heredoc.rawContent + heredoc.name }
        return OnbuildInstruction(trigger: trigger, storedText: stored)
    }

    func healthcheck(_ line: Line) throws(Diagnostic) -> HealthcheckInstruction {
        let (type, rest) = line.arguments.splitAtBlank
        var command: CommandForm?
        switch type.word.text.uppercased() {
        case "NONE":
            guard rest.isEmpty else { throw Diagnostic("HEALTHCHECK NONE has no arguments", at: rest.range) }
            // BuildKit accepts flags here and keeps none of them.
            return HealthcheckInstruction(
                command: nil,
                interval: nil,
                timeout: nil,
                startPeriod: nil,
                startInterval: nil,
                retries: nil
            )
        case "CMD":
            let form = try commandForm(rest, of: "HEALTHCHECK CMD")
            if case .exec(let words) = form, words.isEmpty { throw missing(line, "a command after CMD") }
            guard !rest.isEmpty else { throw missing(line, "a command after CMD") }
            command = form
        default:
            throw Diagnostic(
                line.arguments.isEmpty
                    ? "HEALTHCHECK needs CMD or NONE" : "unknown HEALTHCHECK type `\(type.word.text)`",
                at: line.arguments.isEmpty ? line.keyword.range : type.range,
                label: "expected CMD or NONE"
            )
        }
        return HealthcheckInstruction(
            command: command,
            interval: try duration(line, "interval"),
            timeout: try duration(line, "timeout"),
            startPeriod: try duration(line, "start-period"),
            startInterval: try duration(line, "start-interval"),
            retries: try retries(line)
        )
    }

    private func duration(_ line: Line, _ flag: String) throws(Diagnostic) -> Int64? {
        guard let word = line.flags.value(flag) else { return nil }
        guard let value = GoDuration.nanoseconds(word.text) else {
            throw Diagnostic(
                "invalid duration `\(word.text)`",
                at: word.range,
                hints: ["write it like 30s, 1m30s or 500ms"]
            )
        }
        guard value == 0 || value >= 1_000_000 else {
            throw Diagnostic("`--\(flag)` must be 0 or at least 1ms", at: word.range)
        }
        return value
    }

    private func retries(_ line: Line) throws(Diagnostic) -> Int? {
        guard let word = line.flags.value("retries") else { return nil }
        guard let value = Int32(word.text), value >= 0 else {
            throw Diagnostic("`--retries` must be a number from 0, not `\(word.text)`", at: word.range)
        }
        return Int(value)
    }
}
