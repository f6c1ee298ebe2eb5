import Glibc
import OCI
import Reporting
import Synchronization

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
    }

    private let lock = Mutex(())

    func show(_ event: BuildEvent) {
        guard let bytes = try? CanonicalJSON.encode(JSONProgress.line(event)) else { return }
        lock.withLock { _ in Terminal.write(bytes + [UInt8(ascii: "\n")], to: STDERR_FILENO) }
    }

    private static func line(_ event: BuildEvent) -> Line {
        switch event {
        case .planned(let stages, let steps): return Line(event: "planned", total: steps, stages: stages)
        case .warning(let source, let diagnostic):
            let start = diagnostic.range?.start
            return Line(
                event: "warning",
                message: diagnostic.message,
                rule: diagnostic.rule,
                line: start.map { source.line(at: $0) },
                column: start.map { source.column(at: $0) },
                name: source.name
            )
        case .transfer(let event): return line(event)
        case .note(let text): return Line(event: "note", message: text)
        case .started(let step):
            var line = line("started", step)
            line.instruction = step.text
            return line
        case .running(let step, let id):
            var line = line("running", step)
            line.id = id
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
