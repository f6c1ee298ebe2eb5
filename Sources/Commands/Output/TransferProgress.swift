import Glibc
import Reporting
import Synchronization

/// Shows a pull or a push of its own: a line for each layer when it is done, and on a terminal what moves below them.
final class TransferProgress: Sendable {
    private struct State {
        var view = TransferView()
        var shownLines = 0
        var lastDraw = ContinuousClock.now
    }

    private let isLive: Bool
    private let isQuiet: Bool
    private let state = Mutex(State())

    init(isQuiet: Bool = false) {
        self.isQuiet = isQuiet
        isLive = !isQuiet && Terminal.isTerminal(STDERR_FILENO) && environment("TERM") != "dumb"
    }

    func show(_ event: TransferEvent) {
        guard !isQuiet else { return }
        state.withLock { state in
            state.view.take(event)
            if let line = TransferView.line(event) {
                clear(&state)
                Terminal.write(line + "\n", to: STDERR_FILENO)
            } else if !isLive || state.lastDraw.duration(to: .now) < .milliseconds(50) {
                return
            }
            clear(&state)
            draw(&state)
        }
    }

    /// Takes the live lines away.
    func finish() {
        state.withLock { state in
            clear(&state)
            state.view = TransferView()
        }
    }

    private func clear(_ state: inout State) {
        guard state.shownLines > 0 else { return }
        Terminal.write("\u{1B}[\(state.shownLines)A\r\u{1B}[J", to: STDERR_FILENO)
        state.shownLines = 0
    }

    private func draw(_ state: inout State) {
        guard isLive else { return }
        state.lastDraw = .now
        let width = max(Terminal.width(STDERR_FILENO) - 1, 1)
        let lines = state.view.lines.suffix(8).map { String($0.prefix(width)) + "\n" }
        state.shownLines = lines.count
        Terminal.write(lines.joined(), to: STDERR_FILENO)
    }
}
