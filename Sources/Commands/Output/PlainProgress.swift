import Glibc
import Reporting
import Synchronization

/// The transcript in Docker's words: one complete line after the other.
///
/// While several stages are built at once, every line carries its stage's name.
final class PlainProgress: ProgressRenderer {
    private struct State {
        var stageCount = 1
        /// What a process wrote since its last line end, for each of its streams.
        var partial: [Source: [UInt8]] = [:]
    }

    private struct Source: Hashable {
        let step: BuildEvent.Step
        let stream: BuildEvent.Stream
    }

    private let state = Mutex(State())
    private let renderer = DiagnosticRenderer(usesColour: Terminal.usesColour(STDERR_FILENO))

    func show(_ event: BuildEvent) {
        state.withLock { state in
            let bytes = text(event, &state)
            if !bytes.isEmpty { Terminal.write(bytes, to: STDERR_FILENO) }
        }
    }

    private func text(_ event: BuildEvent, _ state: inout State) -> [UInt8] {
        switch event {
        case .planned(let stages, _):
            state.stageCount = stages
            return []
        case .warning(let source, let diagnostic):
            return Array(renderer.render(diagnostic, in: source).utf8)
        case .transfer(let event):
            return Array((TransferView.line(event).map { $0 + "\n" } ?? "").utf8)
        case .note(let text):
            return Array("note: \(text)\n".utf8)
        case .started(let step):
            let title =
                step.number > 0
                ? "Step \(step.number)/\(step.total) : \(step.text)" : "# Executing build trigger : \(step.text)"
            return line(title, step, state)
        case .running(let step, let id):
            return line(" ---> Running in \(id)", step, state)
        case .output(let step, let stream, let bytes):
            return output(bytes, Source(step: step, stream: stream), &state)
        case .finished(let step, let outcome, let id, _):
            let rest = flush(step, &state)
            let cached = outcome == .cached ? line(" ---> Using cache", step, state) : []
            return rest + cached + line(id.map { " ---> \($0)" } ?? " --->", step, state)
        case .failed(let step):
            return flush(step, &state)
        case .explained(let step, let explanation):
            return explanation.indentedLines.flatMap { line($0, step, state) }
        case .built(let id):
            return Array(
                "Successfully built \(id.split(separator: ":").last.map { String($0.prefix(12)) } ?? id)\n".utf8
            )
        case .tagged(let name):
            return Array("Successfully tagged \(name)\n".utf8)
        case .exported(let destination):
            return Array("Successfully exported \(destination)\n".utf8)
        }
    }

    private func line(_ text: String, _ step: BuildEvent.Step, _ state: State) -> [UInt8] {
        Array("\(prefix(step, state))\(text)\n".utf8)
    }

    private func prefix(_ step: BuildEvent.Step, _ state: State) -> String {
        state.stageCount > 1 ? "[\(step.stageName)] " : ""
    }

    /// Complete lines as they come; what has no line end yet waits, so that lines of parallel steps do not mix.
    private func output(_ bytes: [UInt8], _ source: Source, _ state: inout State) -> [UInt8] {
        var waiting = state.partial[source] ?? []
        waiting += bytes
        var result: [UInt8] = []
        let prefix = Array(prefix(source.step, state).utf8)
        while let end = waiting.firstIndex(of: UInt8(ascii: "\n")) {
            result += prefix + waiting[...end]
            waiting.removeSubrange(...end)
        }
        state.partial[source] = waiting
        return result
    }

    private func flush(_ step: BuildEvent.Step, _ state: inout State) -> [UInt8] {
        var result: [UInt8] = []
        for stream in [BuildEvent.Stream.output, .error] {
            guard let rest = state.partial.removeValue(forKey: Source(step: step, stream: stream)), !rest.isEmpty else {
                continue
            }
            result += Array(prefix(step, state).utf8) + rest + [UInt8(ascii: "\n")]
        }
        return result
    }
}
