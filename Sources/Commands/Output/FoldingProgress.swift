import Glibc
import Reporting
import Synchronization

/// The transcript as services show it that run builds: each step can be folded, and on GitHub problems are annotations.
///
/// Folds do not overlap there. So when several stages are built at once, what a step tells is shown when it is over.
final class FoldingProgress: ProgressRenderer {
    /// Who shows it.
    enum Service {
        case gitHub, gitLab

        /// The one that this process runs in, if it is one.
        static var current: Service? {
            func isSet(_ name: String) -> Bool { !["", "false"].contains(environment(name) ?? "") }
            return isSet("GITHUB_ACTIONS") ? .gitHub : isSet("GITLAB_CI") ? .gitLab : nil
        }
    }

    /// A step that is not over.
    private struct Fold {
        /// Unlike that of any other.
        let name: String
        /// What is not shown yet.
        var waiting: [UInt8] = []
        /// Whether the service looks for no commands in what comes, which is written by a process.
        var isQuoted = false
    }

    private struct State {
        var transcript = Transcript()
        var folds: [BuildEvent.Step: Fold] = [:]
        var count = 0
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
            let rest = state.folds.sorted { ($0.key.stage, $0.key.number) < ($1.key.stage, $1.key.number) }
            state.folds = [:]
            Terminal.write(rest.flatMap { $0.value.waiting + end($0.value) }, to: STDERR_FILENO)
        }
    }

    func fail(_ failure: CommandFailure) {
        failure.report()
        if service == .gitHub { GitHubAnnotation.show(failure.problems) }
    }

    private func text(_ event: BuildEvent, _ state: inout State) -> [UInt8] {
        let lines = state.transcript.text(event)
        switch event {
        case .started(let step):
            state.count += 1
            let fold = Fold(name: "step_\(state.count)")
            state.folds[step] = fold
            return add(begin(fold, state.transcript.prefix(step) + Transcript.title(step)), to: step, &state)
        case .running(let step, _), .explained(let step, _): return add(lines, to: step, &state)
        case .output(let step, _, _): return add(quote(step, &state) + lines, to: step, &state)
        case .finished(let step, _, _, _), .failed(let step):
            guard let fold = state.folds.removeValue(forKey: step) else { return lines }
            return fold.waiting + lines + end(fold)
        case .warning(let source, let diagnostic):
            return lines + (service == .gitHub ? GitHubAnnotation.line(Problem(diagnostic, in: source)) : [])
        case .transfer, .note, .planned, .built, .tagged, .exported: return lines
        }
    }

    private func add(_ lines: [UInt8], to step: BuildEvent.Step, _ state: inout State) -> [UInt8] {
        guard state.transcript.stageCount > 1 else { return lines }
        state.folds[step]?.waiting += lines
        return []
    }

    private func begin(_ fold: Fold, _ title: String) -> [UInt8] {
        switch service {
        case .gitHub: Array("::group::\(GitHubAnnotation.escaped(EscapedText.escaped(title)))\n".utf8)
        case .gitLab:
            Array("\u{1B}[0Ksection_start:\(time(nil)):\(fold.name)\r\u{1B}[0K\(EscapedText.escaped(title))\n".utf8)
        }
    }

    private func end(_ fold: Fold) -> [UInt8] {
        switch service {
        case .gitHub: Array("\(fold.isQuoted ? "::\(token)::\n" : "")::endgroup::\n".utf8)
        case .gitLab: Array("\u{1B}[0Ksection_end:\(time(nil)):\(fold.name)\r\u{1B}[0K\n".utf8)
        }
    }

    /// What goes before the output of a process, which could hold commands to the service.
    private func quote(_ step: BuildEvent.Step, _ state: inout State) -> [UInt8] {
        guard service == .gitHub, state.folds[step]?.isQuoted == false else { return [] }
        state.folds[step]?.isQuoted = true
        return Array("::stop-commands::\(token)\n".utf8)
    }
}
