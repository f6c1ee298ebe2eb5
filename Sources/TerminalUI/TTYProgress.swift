internal import Formatting
internal import Glibc
internal import Reporting
internal import Synchronization
internal import Threads

/// A live view for a terminal: finished steps as lines that stay, running steps with their time below them.
final class TTYProgress: ProgressRenderer {
    private struct Running {
        let step: BuildEvent.Step
        var start = ContinuousClock.now
        /// What it waits for, where it does not work.
        var wait: String?
        /// What its process wrote since its last line end.
        var partial: [UInt8] = []
        var lastLine = ""
        /// The bytes of its layer.
        var written: Int64 = 0
    }

    private struct State {
        var running: [Running] = []
        var region = LiveRegion()
        /// Lines that stay and are not written yet.
        var waiting: [UInt8] = []
        /// Of each build, by its name where there are several.
        var plans: [String?: (stages: Int, steps: Int)] = [:]
        var done = 0
        var cached = 0
        var isFinished = false
        var summary: String?
        var transfers = TransferView()
    }

    /// What waits longer for a frame only costs memory.
    private static let waitingLimit = 1 << 16
    /// A line of a process that is longer is broken.
    private static let lineLimit = 1 << 16

    private let state = Mutex(State())
    private let usesColour = Terminal.usesColour(STDERR_FILENO)
    private let begin = ContinuousClock.now

    init() {
        // A clock on the screen; the thread ends with the program, since it holds nothing that must be given back.
        // Where there can be none, the view is drawn when something happens, and at its end.
        _ = WorkerThread { while self.tick() { usleep(100_000) } }
    }

    private func tick() -> Bool {
        state.withLock { state in
            if !state.isFinished { draw(&state) }
            return !state.isFinished
        }
    }

    func show(_ event: BuildEvent) {
        state.withLock { state in
            take(event, &state)
            if state.region.isDue || state.waiting.count > TTYProgress.waitingLimit { draw(&state) }
        }
    }

    private func take(_ event: BuildEvent, _ state: inout State) {
        switch event {
        case .planned(let stages, let steps): state.plans[nil] = (stages, steps)
        case .part(let build, .planned(let stages, let steps)): state.plans[build] = (stages, steps)
        case .part(let build, let event):
            if case .transfer(let event) = event { state.transfers.take(event) }
            for line in lines(event) { permanent("\(EscapedText.escaped(build)): \(line)", &state) }
        case .waiting(let step, let stages):
            let wait = stages.isEmpty ? "its turn" : stages.map(EscapedText.escaped).joined(separator: ", ")
            if let index = state.running.firstIndex(where: { $0.step == step }) {
                state.running[index].wait = wait
            } else {
                state.running.append(Running(step: step, wait: wait))
            }
        case .started(let step), .resumed(let step):
            // Its time starts when it does.
            state.running.removeAll { $0.step == step }
            state.running.append(Running(step: step))
        case .running: break
        case .written(let step, let bytes):
            if let index = state.running.firstIndex(where: { $0.step == step }) { state.running[index].written = bytes }
        case .output(let step, _, let bytes): remember(bytes, of: step, &state)
        case .finished(let step, let outcome, _, let seconds):
            end(step, &state)
            state.done += step.number > 0 ? 1 : 0
            if outcome == .cached { state.cached += 1 }
            let mark =
                outcome == .cached ? colour("cached", 36) : outcome == .base ? "base" : TTYProgress.time(seconds)
            permanent("\(colour("✓", 32)) \(title(step, state)) \(mark)", &state)
        case .failed(let step):
            end(step, &state)
            permanent("\(colour("✗", 31)) \(title(step, state))", &state)
        case .explained(let step, let explanation):
            permanent("  \(title(step, state))", &state)
            for line in explanation.indentedLines { permanent(line, &state) }
        case .warning, .transfer, .note, .built, .tagged, .exported:
            if case .transfer(let event) = event { state.transfers.take(event) }
            for line in lines(event) { permanent(line, &state) }
        }
    }

    /// The lines that an event leaves which is not a step's.
    private func lines(_ event: BuildEvent) -> [String] {
        switch event {
        case .warning(let source, let diagnostic):
            DiagnosticRenderer(usesColour: usesColour).render(diagnostic, in: source)
                .split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
        case .transfer(let event): TransferView.line(event).map { [$0] } ?? []
        default: [Transcript.words(event)]
        }
    }

    func summarise(_ summary: () -> String) {
        let summary = summary()
        state.withLock { $0.summary = summary }
    }

    func finish() {
        state.withLock { state in
            guard !state.isFinished else { return }
            // Of steps that were cancelled the last words stay.
            for step in state.running.map(\.step) { end(step, &state) }
            state.isFinished = true
            let time = TTYProgress.time(begin.duration(to: .now))
            if let summary = state.summary {
                permanent("\(summary), \(time)", &state)
            } else if state.done > 0 {
                permanent("\(state.done) steps, \(state.cached) cached, \(time)", &state)
            }
            state.region.clear(state.waiting)
            state.waiting = []
        }
    }

    /// The output of a process is shown as it comes, whole lines above the live part.
    private func remember(_ bytes: [UInt8], of step: BuildEvent.Step, _ state: inout State) {
        guard let index = state.running.firstIndex(where: { $0.step == step }) else { return }
        state.running[index].partial += bytes
        let waiting = state.running[index].partial
        guard let end = waiting.lastIndex(of: UInt8(ascii: "\n")) else {
            if waiting.count > TTYProgress.lineLimit { flush(index, &state) }
            return
        }
        for line in waiting[..<end].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            append(line, index, &state)
        }
        state.running[index].partial = Array(waiting[(end + 1)...])
    }

    private func append(_ line: some Collection<UInt8>, _ index: Int, _ state: inout State) {
        let name = EscapedText.escaped(origin(state.running[index].step, state))
        permanent("  \(name) | \(TerminalText.line(line, keepsColours: usesColour))", &state)
        let shown = TerminalText.line(line, keepsColours: false)
        if !shown.isEmpty { state.running[index].lastLine = shown }
    }

    private func flush(_ index: Int, _ state: inout State) {
        let rest = state.running[index].partial
        state.running[index].partial = []
        if !rest.isEmpty { append(rest, index, &state) }
    }

    private func end(_ step: BuildEvent.Step, _ state: inout State) {
        guard let index = state.running.firstIndex(where: { $0.step == step }) else { return }
        flush(index, &state)
        state.running.remove(at: index)
    }

    private func permanent(_ text: String, _ state: inout State) {
        state.waiting += Array((text.hasSuffix("\n") ? text : text + "\n").utf8)
    }

    private func title(_ step: BuildEvent.Step, _ state: State) -> String {
        let place = step.number > 0 ? "\(step.number)/\(step.total)" : "trigger"
        return EscapedText.escaped("[\(origin(step, state)) \(place)] \(step.text)")
    }

    /// The name of the stage; where several builds are shown, that of the build and of one of several stages.
    private func origin(_ step: BuildEvent.Step, _ state: State) -> String {
        guard let build = step.build else { return step.stageName }
        return state.plans[build]?.stages ?? 1 > 1 ? "\(build) \(step.stageName)" : build
    }

    private func draw(_ state: inout State) {
        let columns = Terminal.size(STDERR_FILENO).columns - 1
        var lines = Array(state.transfers.lines.suffix(8))
        let working = state.running.filter { $0.wait == nil }
        for running in working.suffix(8) {
            let duration = running.start.duration(to: .now)
            var time = TTYProgress.time(duration)
            if running.written > 0 {
                time = "\(HumanReadable.size(running.written)) \(HumanReadable.rate(running.written, duration)) \(time)"
            }
            // The time is what is looked for; on a narrow terminal the instruction has what is left.
            let width = columns - TerminalText.width(time) - 3
            lines.append("▸ \(TerminalText.fitting(title(running.step, state), max(width, 0))) \(time)")
            // That of a single one is right above.
            if working.count > 1, !running.lastLine.isEmpty { lines.append("    \(running.lastLine)") }
        }
        lines += waitingLines(state, room: max(8 - working.count, 1), columns)
        let stepCount = state.plans.values.reduce(0) { $0 + $1.steps }
        if !state.running.isEmpty, stepCount > 0 {
            let time = TTYProgress.time(begin.duration(to: .now))
            let stageCount = state.plans.values.reduce(0) { $0 + $1.stages }
            let stages = stageCount > 1 ? "\(stageCount) stages, " : ""
            lines.append("\(state.done)/\(stepCount) steps, \(stages)\(state.cached) cached, \(time)")
        }
        state.region.draw(state.waiting, lines)
        state.waiting = []
    }

    /// What waits, in the order in which it began to, and in few lines: it is not what is looked for.
    private func waitingLines(_ state: State, room: Int, _ columns: Int) -> [String] {
        let waiting = state.running.filter { $0.wait != nil }
        let shown = waiting.count > room ? waiting.prefix(room - 1) : waiting[...]
        var lines = shown.map { running in
            let wait = TerminalText.fitting("waits for \(running.wait ?? "")", max(columns / 2, 0))
            let width = columns - TerminalText.width(wait) - 3
            return "◦ \(TerminalText.fitting(title(running.step, state), max(width, 0))) \(wait)"
        }
        if shown.count < waiting.count { lines.append("◦ \(waiting.count - shown.count) more steps wait") }
        return lines
    }

    private func colour(_ text: String, _ code: Int) -> String {
        usesColour ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    private static func time(_ duration: Duration) -> String { time(duration / .seconds(1)) }

    private static func time(_ seconds: Double) -> String { HumanReadable.elapsed(nanoseconds: Int64(seconds * 1e9)) }
}
