internal import Formatting
internal import Glibc
internal import Reporting

/// Makes lines of events.
///
/// While several builds are shown or several stages built at once, every line carries the name of its build and stage.
struct Transcript {
    private struct Source: Hashable {
        let step: BuildEvent.Step
        let stream: BuildEvent.Stream
    }

    /// A line that is longer is broken.
    private static let lineLimit = 1 << 20

    /// Of each build that has several.
    private var stageCounts: [String?: Int] = [:]
    /// What a process wrote since its last line end, for each of its streams.
    private var partial: [Source: [UInt8]] = [:]
    private let isForTerminal: Bool
    private let usesColour: Bool
    private let renderer: DiagnosticRenderer

    init(
        isForTerminal: Bool = Terminal.isTerminal(STDERR_FILENO),
        usesColour: Bool = Terminal.usesColour(STDERR_FILENO)
    ) {
        self.isForTerminal = isForTerminal
        self.usesColour = usesColour
        renderer = DiagnosticRenderer(usesColour: usesColour)
    }

    /// The lines for an event; none, one or several.
    mutating func text(_ event: BuildEvent) -> [UInt8] {
        switch event {
        case .planned(let stages, _):
            stageCounts[nil] = stages
            return []
        case .part(let build, .planned(let stages, _)):
            stageCounts[build] = stages
            return []
        case .part(let build, let event):
            let prefix = Array("[\(EscapedText.escaped(build))] ".utf8)
            return text(event).split(separator: UInt8(ascii: "\n")).flatMap { prefix + $0 + [UInt8(ascii: "\n")] }
        case .warning(let source, let diagnostic):
            return Array(renderer.render(diagnostic, in: source).utf8)
        case .transfer(let event):
            return Array((TransferView.line(event).map { $0 + "\n" } ?? "").utf8)
        case .note, .built, .tagged, .exported:
            return Array((Transcript.words(event) + "\n").utf8)
        case .started(let step):
            return line(Transcript.title(step), step)
        case .running(let step, let id):
            return line(" ---> Running in \(id)", step)
        case .waiting, .resumed, .written: return []
        case .output(let step, let stream, let bytes):
            return output(bytes, Source(step: step, stream: stream))
        case .finished(let step, let outcome, let id, _):
            let rest = flush(step)
            let cached = outcome == .cached ? line(" ---> Using cache", step) : []
            return rest + cached + line(id.map { " ---> \($0)" } ?? " --->", step)
        case .failed(let step):
            return flush(step)
        case .explained(let step, let explanation):
            return explanation.indentedLines.flatMap { line($0, step) }
        }
    }

    /// What every view says in the same words.
    static func words(_ event: BuildEvent) -> String {
        switch event {
        case .note(let text): "note: \(EscapedText.escaped(text))"
        case .built(let id): "Successfully built \((id.split(separator: ":").last ?? "").prefix(12))"
        case .tagged(let name): "Successfully tagged \(EscapedText.escaped(name))"
        case .exported(let destination): "Successfully exported \(EscapedText.escaped(destination))"
        default: ""
        }
    }

    static func title(_ step: BuildEvent.Step) -> String {
        let text = EscapedText.escaped(step.text)
        return step.number > 0 ? "Step \(step.number)/\(step.total) : \(text)" : "# Executing build trigger : \(text)"
    }

    private func line(_ text: String, _ step: BuildEvent.Step) -> [UInt8] {
        Array("\(prefix(step))\(text)\n".utf8)
    }

    func prefix(_ step: BuildEvent.Step) -> String {
        let stage = stageCounts[step.build, default: 1] > 1 ? step.stageName : nil
        let names = [step.build, stage].compactMap { $0.map(EscapedText.escaped) }
        return names.isEmpty ? "" : "[\(names.joined(separator: " "))] "
    }

    /// Complete lines as they come; what has no line end yet waits, so that lines of parallel steps do not mix.
    private mutating func output(_ bytes: [UInt8], _ source: Source) -> [UInt8] {
        var lines = partial.removeValue(forKey: source) ?? []
        guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
            lines += bytes
            // A process that never ends a line must not fill the memory.
            guard lines.count > Transcript.lineLimit else {
                partial[source] = lines
                return []
            }
            return Array(prefix(source.step).utf8) + shown(lines) + [UInt8(ascii: "\n")]
        }
        lines += bytes[...end]
        let rest = bytes[(end + 1)...]
        if !rest.isEmpty { partial[source] = Array(rest) }
        let prefix = Array(prefix(source.step).utf8)
        guard !prefix.isEmpty || isForTerminal else { return lines }
        var result: [UInt8] = []
        for line in lines.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            result += prefix
            result += shown(line)
            result.append(UInt8(ascii: "\n"))
        }
        return result
    }

    private mutating func flush(_ step: BuildEvent.Step) -> [UInt8] {
        var result: [UInt8] = []
        for stream in [BuildEvent.Stream.output, .error] {
            guard let rest = partial.removeValue(forKey: Source(step: step, stream: stream)), !rest.isEmpty else {
                continue
            }
            result += Array(prefix(step).utf8) + shown(rest) + [UInt8(ascii: "\n")]
        }
        return result
    }

    /// A line of a process: on a terminal without what it would obey, colours excepted; elsewhere as it was written.
    private func shown(_ line: some Collection<UInt8>) -> [UInt8] {
        isForTerminal ? Array(TerminalText.line(line, keepsColours: usesColour).utf8) : Array(line)
    }
}
