import Glibc
import Reporting
import Synchronization

/// A live view for a terminal: what is done as lines that stay, what goes on below them with its time.
final class TTYProgress: ProgressRenderer {
    private struct Running {
        let step: BuildEvent.Step
        let start: Double
        var lastLine = ""
    }

    private struct State {
        var running: [Running] = []
        /// The lines of the live part that are on the screen.
        var shownLines = 0
        var lastDraw = 0.0
        var done = 0
        var cached = 0
        var isFinished = false
        var output: [BuildEvent.Step: [UInt8]] = [:]
        var transfers = TransferView()
    }

    private let state = Mutex(State())
    private let usesColour = Terminal.usesColour(STDERR_FILENO)
    private let begin = TTYProgress.now

    init() {
        var thread: pthread_t = 0
        // A clock on the screen; the thread ends with the program, since it holds nothing that must be given back.
        let context = Unmanaged.passRetained(self).toOpaque()
        pthread_create(
            &thread,
            nil,
            { context in
                guard let context else { return nil }
                let progress = Unmanaged<TTYProgress>.fromOpaque(context).takeRetainedValue()
                while progress.tick() { usleep(100_000) }
                return nil
            },
            context
        )
        pthread_detach(thread)
    }

    private func tick() -> Bool {
        state.withLock { state in
            if !state.isFinished { draw(&state) }
            return !state.isFinished
        }
    }

    func show(_ event: BuildEvent) {
        state.withLock { state in
            switch event {
            case .planned: return
            case .started(let step): state.running.append(Running(step: step, start: TTYProgress.now))
            case .running: break
            case .output(let step, _, let bytes): remember(bytes, of: step, &state)
            case .finished(let step, let outcome, _, let seconds):
                end(step, &state)
                state.done += 1
                if outcome == .cached { state.cached += 1 }
                let mark =
                    outcome == .cached ? colour("cached", 36) : outcome == .base ? "base" : TTYProgress.time(seconds)
                permanent("\(colour("✓", 32)) \(title(step)) \(mark)", &state)
            case .failed(let step):
                end(step, &state)
                permanent("\(colour("✗", 31)) \(title(step))", &state)
            case .explained(let step, let explanation):
                permanent("  \(title(step))", &state)
                for line in explanation.indentedLines { permanent(line, &state) }
            case .warning(let source, let diagnostic):
                permanent(DiagnosticRenderer(usesColour: usesColour).render(diagnostic, in: source), &state)
            case .transfer(let event):
                state.transfers.take(event)
                if let line = TransferView.line(event) { permanent(line, &state) }
            case .note(let text): permanent("note: \(text)", &state)
            case .built(let id):
                permanent(
                    "Successfully built \(id.split(separator: ":").last.map { String($0.prefix(12)) } ?? id)",
                    &state
                )
            case .tagged(let name): permanent("Successfully tagged \(name)", &state)
            case .exported(let destination): permanent("Successfully exported \(destination)", &state)
            }
            if TTYProgress.now - state.lastDraw > 0.033 { draw(&state) }
        }
    }

    func finish() {
        state.withLock { state in
            // Steps that were cancelled leave no line.
            state.running = []
            clear(&state)
            state.isFinished = true
            guard state.done > 0 else { return }
            let time = TTYProgress.time(TTYProgress.now - begin)
            Terminal.write("\(state.done) steps, \(state.cached) cached, \(time)\n", to: STDERR_FILENO)
        }
    }

    /// The output of a process is shown as it comes, whole lines above the live part.
    private func remember(_ bytes: [UInt8], of step: BuildEvent.Step, _ state: inout State) {
        var waiting = (state.output[step] ?? []) + bytes
        if let end = waiting.lastIndex(of: UInt8(ascii: "\n")) {
            clear(&state)
            for line in waiting[..<end].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
                Terminal.write(Array("  \(step.stageName) | ".utf8) + line + [UInt8(ascii: "\n")], to: STDERR_FILENO)
            }
            waiting.removeSubrange(...end)
        }
        state.output[step] = waiting
    }

    private func end(_ step: BuildEvent.Step, _ state: inout State) {
        state.running.removeAll { $0.step == step }
        if let rest = state.output.removeValue(forKey: step), !rest.isEmpty {
            permanent("  \(step.stageName) | " + String(decoding: rest, as: UTF8.self), &state)
        }
    }

    private func permanent(_ text: String, _ state: inout State) {
        clear(&state)
        Terminal.write(text.hasSuffix("\n") ? text : text + "\n", to: STDERR_FILENO)
    }

    private func title(_ step: BuildEvent.Step) -> String {
        step.number > 0
            ? "[\(step.stageName) \(step.number)/\(step.total)] \(step.text)"
            : "[\(step.stageName) trigger] \(step.text)"
    }

    private func clear(_ state: inout State) {
        guard state.shownLines > 0 else { return }
        // Up to the first live line, then erase to the end of the screen.
        Terminal.write("\u{1B}[\(state.shownLines)A\r\u{1B}[J", to: STDERR_FILENO)
        state.shownLines = 0
    }

    private func draw(_ state: inout State) {
        clear(&state)
        state.lastDraw = TTYProgress.now
        let width = Terminal.width(STDERR_FILENO)
        var text = ""
        for line in state.transfers.lines.suffix(8) {
            text += String(line.prefix(max(width - 1, 1))) + "\n"
            state.shownLines += 1
        }
        for running in state.running.suffix(8) {
            let line = "▸ \(title(running.step)) \(TTYProgress.time(TTYProgress.now - running.start))"
            text += String(line.prefix(max(width - 1, 1))) + "\n"
            state.shownLines += 1
        }
        if !text.isEmpty { Terminal.write(text, to: STDERR_FILENO) }
    }

    private func colour(_ text: String, _ code: Int) -> String {
        usesColour ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    private static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func time(_ seconds: Double) -> String {
        let tenths = Int((max(0, seconds) * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)s"
    }
}
