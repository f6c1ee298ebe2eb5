internal import FileSystem
internal import Glibc
internal import Reporting
internal import Synchronization

/// The transcript as services show it that run builds: each step can be folded, and on GitHub problems are annotations.
///
/// Folds do not overlap there. So of several running steps the first one is shown live, and what the
/// others tell when it is over.
final class FoldingProgress: ProgressRenderer {
    /// Who shows it.
    enum Service {
        case gitHub, gitLab

        /// The one that this process runs in, if it is one.
        static var current: Service? {
            func isSet(_ name: String) -> Bool { !["", "false"].contains(ProcessEnvironment[name] ?? "") }
            return isSet("GITHUB_ACTIONS") ? .gitHub : isSet("GITLAB_CI") ? .gitLab : nil
        }
    }

    /// A step that is not over, or not shown yet.
    private struct Fold {
        /// In the order in which they began.
        let number: Int
        /// What is not shown yet.
        var waiting: [UInt8] = []
        /// Whether the service looks for no commands in what comes, which is written by a process.
        var isQuoted = false
        var isOver = false
    }

    private struct State {
        var transcript = Transcript()
        var folds: [BuildEvent.Step: Fold] = [:]
        var count = 0
        /// The step that is shown live.
        var current: BuildEvent.Step?
    }

    private let service: Service
    private let state = Mutex(State())
    /// What ends a quotation; no process can know it.
    private let token = (0..<2).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined()

    init(_ service: Service) { self.service = service }

    func show(_ event: BuildEvent) {
        state.withLock { state in
            let bytes = text(event, &state)
            if !bytes.isEmpty { Terminal.write(bytes, to: STDERR_FILENO) }
        }
    }

    func finish() {
        state.withLock { state in
            // Of steps that were cancelled.
            let rest = state.folds.values.sorted { $0.number < $1.number }
            state.folds = [:]
            Terminal.write(rest.flatMap { $0.waiting + ($0.isOver ? [] : end($0)) }, to: STDERR_FILENO)
        }
    }

    func fail(_ failure: FailureReport) {
        failure.write()
        if service == .gitHub { GitHubAnnotation.show(failure.problems) }
    }

    private func text(_ event: BuildEvent, _ state: inout State) -> [UInt8] {
        let lines = state.transcript.text(event)
        switch event {
        case .started(let step):
            state.count += 1
            let fold = Fold(number: state.count)
            state.folds[step] = fold
            if state.current == nil { state.current = step }
            return add(begin(fold, state.transcript.prefix(step) + Transcript.title(step)), to: step, &state)
        case .running(let step, _), .explained(let step, _): return add(lines, to: step, &state)
        case .output(let step, _, _): return add(quote(step, &state) + lines, to: step, &state)
        case .finished(let step, _, _, _), .failed(let step):
            guard let fold = state.folds[step] else { return lines }
            state.folds[step]?.isOver = true
            let text = add(lines + end(fold), to: step, &state)
            return step == state.current ? text + next(&state) : text
        case .warning(let source, let diagnostic), .part(_, .warning(let source, let diagnostic)):
            guard service == .gitHub else { return lines }
            let isQuoted = state.current.flatMap { state.folds[$0]?.isQuoted } ?? false
            let annotation = GitHubAnnotation.line(Problem(diagnostic, in: source))
            return lines + (isQuoted ? endQuote + annotation + beginQuote : annotation)
        case .transfer, .note, .planned, .waiting, .resumed, .written, .built, .tagged, .exported, .part: return lines
        }
    }

    private func add(_ lines: [UInt8], to step: BuildEvent.Step, _ state: inout State) -> [UInt8] {
        if step == state.current { return lines }
        state.folds[step]?.waiting += lines
        return []
    }

    /// Shows what has ended meanwhile, then the step that began first of the others.
    private func next(_ state: inout State) -> [UInt8] {
        if let current = state.current.take() { state.folds[current] = nil }
        var text: [UInt8] = []
        for (step, fold) in state.folds.sorted(by: { $0.value.number < $1.value.number }) {
            if fold.isOver {
                text += fold.waiting
                state.folds[step] = nil
            } else if state.current == nil {
                state.current = step
            }
        }
        if let current = state.current, let waiting = state.folds[current]?.waiting {
            text += waiting
            state.folds[current]?.waiting = []
        }
        return text
    }

    private func begin(_ fold: Fold, _ title: String) -> [UInt8] {
        switch service {
        case .gitHub: Array("::group::\(GitHubAnnotation.escaped(title))\n".utf8)
        case .gitLab:
            Array(
                "\u{1B}[0Ksection_start:\(time(nil)):step_\(fold.number)\r\u{1B}[0K\(title)\n".utf8
            )
        }
    }

    private func end(_ fold: Fold) -> [UInt8] {
        switch service {
        case .gitHub: (fold.isQuoted ? endQuote : []) + Array("::endgroup::\n".utf8)
        case .gitLab: Array("\u{1B}[0Ksection_end:\(time(nil)):step_\(fold.number)\r\u{1B}[0K\n".utf8)
        }
    }

    /// What goes before the output of a process, which could hold commands to the service.
    private func quote(_ step: BuildEvent.Step, _ state: inout State) -> [UInt8] {
        guard service == .gitHub, state.folds[step]?.isQuoted == false else { return [] }
        state.folds[step]?.isQuoted = true
        return beginQuote
    }

    private var beginQuote: [UInt8] { Array("::stop-commands::\(token)\n".utf8) }
    private var endQuote: [UInt8] { Array("::\(token)::\n".utf8) }
}
