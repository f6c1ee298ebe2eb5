import DockerfileSyntax
import Reporting

/// A compact text of a syntax tree: one line for each instruction, one for each part.
struct TreeDump {
    private let source: SourceText
    private var lines: [String] = []

    static func dump(_ dockerfile: Dockerfile) -> String {
        var dump = TreeDump(source: dockerfile.source)
        let directives = dockerfile.directives
        if directives.escape != UInt8(ascii: "\\") { dump.lines.append("escape `") }
        if let syntax = directives.syntax { dump.add("syntax", syntax, 0) }
        if let check = directives.check { dump.add("check", check, 0) }
        for instruction in dockerfile.instructions { dump.add(instruction, 0) }
        for stage in dockerfile.stages {
            dump.lines.append("stage \(stage.index) \(stage.name ?? "-") \(stage.instructions.count)")
        }
        for range in dockerfile.blankContinuations { dump.lines.append("blank continuation \(dump.place(range))") }
        return (dump.lines + [""]).joined(separator: "\n")
    }

    private init(source: SourceText) { self.source = source }

    private func place(_ range: SourceRange) -> String {
        let start = "\(source.line(at: range.start)):\(source.column(at: range.start))"
        return start + "-\(source.line(at: range.end)):\(source.column(at: range.end))"
    }

    private mutating func add(_ label: String, _ word: Word?, _ depth: Int) {
        guard let word else { return }
        lines.append(
            String(repeating: "  ", count: depth) + "\(label) \(word.text.debugDescription) \(place(word.range))"
        )
    }

    private mutating func add(_ form: CommandForm, _ depth: Int) {
        switch form {
        case .shell(let text): add("shell", text, depth)
        case .exec(let words):
            if words.isEmpty { lines.append(String(repeating: "  ", count: depth) + "exec nothing") }
            for word in words { add("exec", word, depth) }
        }
    }

    private mutating func add(_ instruction: Instruction, _ depth: Int) {
        let indent = String(repeating: "  ", count: depth)
        lines.append(
            "\(indent)\(instruction.keyword.text) \(place(instruction.range)) \(instruction.text.debugDescription)"
        )
        for comment in instruction.comments { add("comment", comment, depth + 1) }
        for flag in instruction.flags {
            add("flag --\(flag.name.text)", flag.value ?? Word("", at: flag.range), depth + 1)
        }
        add(instruction.kind, depth + 1)
        for heredoc in instruction.heredocs {
            let marks = (heredoc.expands ? "" : " literal") + (heredoc.stripsTabs ? " tabs" : "")
            let descriptor = heredoc.fileDescriptor == 0 ? "" : " fd \(heredoc.fileDescriptor)"
            lines.append("\(indent)  heredoc \(heredoc.name)\(marks)\(descriptor) \(heredoc.content.debugDescription)")
        }
    }

    private mutating func add(_ kind: Instruction.Kind, _ depth: Int) {
        switch kind {
        case .from(let from):
            add("base", from.base, depth)
            add("name", from.name, depth)
        case .run(let run):
            add(run.command, depth)
            for mount in run.mounts {
                for option in mount.options { add("mount \(option.key.text)", option.value ?? option.key, depth) }
            }
        case .cmd(let form), .entrypoint(let form): add(form, depth)
        case .copy(let copy):
            for source in copy.sources {
                switch source {
                case .path(let word): add("source", word, depth)
                case .heredoc(let heredoc): add("source <<", Word(heredoc.name, at: heredoc.range), depth)
                }
            }
            add("destination", copy.destination, depth)
        case .env(let instruction), .label(let instruction):
            for assignment in instruction.assignments {
                add(instruction.isLegacy ? "legacy name" : "name", assignment.name, depth)
                add("value", assignment.value, depth)
            }
        case .arg(let instruction):
            for declaration in instruction.declarations {
                add("name", declaration.name, depth)
                add("default", declaration.defaultValue, depth)
            }
        case .expose(let words), .shell(let words): for word in words { add("word", word, depth) }
        case .volume(let volume): for word in volume.paths { add("path", word, depth) }
        case .user(let word), .workdir(let word), .stopsignal(let word), .maintainer(let word): add("text", word, depth)
        case .onbuild(let onbuild):
            lines.append(String(repeating: "  ", count: depth) + "stored \(onbuild.storedText.debugDescription)")
            add(onbuild.trigger, depth)
        case .healthcheck(let check):
            if let command = check.command { add(command, depth) }
            lines.append(
                String(repeating: "  ", count: depth)
                    + "times \(check.interval ?? -1) \(check.timeout ?? -1) \(check.startPeriod ?? -1) \(check.retries ?? -1)"
            )
        }
    }
}
