internal import FileSystem
internal import Glibc
internal import OCI
internal import Reporting
internal import Synchronization

/// One JSON object a line on standard error, for programs.
final class JSONProgress: ProgressRenderer {
    private struct Line: Encodable {
        var event: String
        var stage: String?
        var step: Int?
        var total: Int?
        var instruction: String?
        var outcome: String?
        var id: String?
        var seconds: Double?
        var stream: String?
        var data: String?
        var message: String?
        var rule: String?
        var line: Int?
        var column: Int?
        var name: String?
        var stages: Int?
        var state: String?
        var bytes: Int64?
        var size: Int64?
        var reasons: [ReasonDocument]?
        var hints: [String]?
        var status: Int32?
        var `for`: [String]?
    }

    private struct Source: Hashable {
        let step: BuildEvent.Step
        let stream: BuildEvent.Stream
    }

    /// The bytes of a character that is not complete yet, for each stream of a process.
    private let partial = Mutex<[Source: [UInt8]]>([:])

    func show(_ event: BuildEvent) {
        partial.withLock { partial in
            switch event {
            case .output(let step, let stream, let bytes):
                let source = Source(step: step, stream: stream)
                let text = (partial.removeValue(forKey: source) ?? []) + bytes
                let end = text.count - JSONProgress.incompleteSuffix(of: text)
                if end < text.count { partial[source] = Array(text[end...]) }
                if end > 0 { write(.output(step, stream, Array(text[..<end]))) }
            case .finished(let step, _, _, _), .failed(let step):
                for stream in [BuildEvent.Stream.output, .error] {
                    guard let rest = partial.removeValue(forKey: Source(step: step, stream: stream)) else { continue }
                    write(.output(step, stream, rest))
                }
                write(event)
            default: write(event)
            }
        }
    }

    func fail(_ failure: FailureReport) {
        for problem in failure.problems {
            var line = JSONProgress.line("error", problem)
            line.status = failure.status.rawValue
            write(line)
        }
    }

    private func write(_ event: BuildEvent) { write(JSONProgress.line(event)) }

    private func write(_ line: Line) {
        guard let bytes = try? CanonicalJSON.encode(line) else { return }
        StandardOutput.writeToStandardError(Terminal.safe(json: bytes, for: STDERR_FILENO) + [UInt8(ascii: "\n")])
    }

    /// How many bytes at the end are the beginning of a character in UTF-8.
    private static func incompleteSuffix(of bytes: [UInt8]) -> Int {
        for (count, byte) in bytes.suffix(3).reversed().enumerated() {
            if byte & 0xC0 == 0x80 { continue }
            let length = byte >= 0xF0 && byte < 0xF8 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return byte < 0xF8 && length > count + 1 ? count + 1 : 0
        }
        return 0
    }

    private static func line(_ event: BuildEvent) -> Line {
        switch event {
        case .planned(let stages, let steps): return Line(event: "planned", total: steps, stages: stages)
        case .warning(let source, let diagnostic):
            return line("warning", Problem(diagnostic, in: source))
        case .transfer(let event): return line(event)
        case .note(let text): return Line(event: "note", message: text)
        case .waiting(let step, let stages):
            var line = line("waiting", step)
            line.instruction = step.text
            line.for = stages
            return line
        case .resumed(let step): return line("resumed", step)
        case .started(let step):
            var line = line("started", step)
            line.instruction = step.text
            return line
        case .running(let step, let id):
            var line = line("running", step)
            line.id = id
            return line
        case .written(let step, let bytes):
            var line = line("written", step)
            line.bytes = bytes
            return line
        case .output(let step, let stream, let bytes):
            var line = line("output", step)
            line.stream = stream.rawValue
            line.data = String(decoding: bytes, as: UTF8.self)
            return line
        case .finished(let step, let outcome, let id, let seconds):
            var line = line("finished", step)
            line.outcome = outcome.rawValue
            line.id = id
            line.seconds = seconds
            return line
        case .failed(let step): return line("failed", step)
        case .explained(let step, let explanation):
            var line = line("explained", step)
            line.reasons = explanation.reasons.map(ReasonDocument.init)
            return line
        case .built(let id): return Line(event: "built", id: id)
        case .tagged(let name): return Line(event: "tagged", name: name)
        case .exported(let destination): return Line(event: "exported", name: destination)
        }
    }

    private static func line(_ event: String, _ problem: Problem) -> Line {
        var line = Line(event: event)
        line.message = problem.message
        line.rule = problem.rule
        (line.name, line.line, line.column) = (problem.place?.file, problem.place?.line, problem.place?.column)
        if !problem.hints.isEmpty { line.hints = problem.hints }
        return line
    }

    private static func line(_ event: TransferEvent) -> Line {
        switch event {
        case .started(let direction, let repository, let tag):
            return Line(event: direction == .pull ? "pull" : "push", name: "\(repository):\(tag)")
        case .note(let text): return Line(event: "note", message: text)
        case .layer(_, let id, let state):
            var line = Line(event: "layer", id: id)
            switch state {
            case .waiting: line.state = "waiting"
            case .moving(let bytes, let size): (line.state, line.bytes, line.size) = ("moving", bytes, size)
            case .working: line.state = "working"
            case .exists: line.state = "exists"
            case .mounted(let repository): (line.state, line.name) = ("mounted", repository)
            case .done: line.state = "done"
            }
            return line
        }
    }

    private static func line(_ event: String, _ step: BuildEvent.Step) -> Line {
        Line(event: event, stage: step.stageName, step: step.number, total: step.total)
    }
}
