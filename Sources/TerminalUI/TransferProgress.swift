internal import Glibc
public import Reporting
internal import Synchronization

/// Shows a pull or a push of its own: a line for each layer when it is done, and on a terminal what moves below them.
public final class TransferProgress: Sendable {
    private struct State {
        var view = TransferView()
        var region = LiveRegion()
    }

    private let isLive: Bool
    private let isQuiet: Bool
    private let state = Mutex(State())

    public init(isQuiet: Bool = false) {
        self.isQuiet = isQuiet
        isLive = !isQuiet && Terminal.isLive(STDERR_FILENO)
    }

    public func show(_ event: TransferEvent) {
        guard !isQuiet else { return }
        state.withLock { state in
            state.view.take(event)
            let line = TransferView.line(event).map { Array("\($0)\n".utf8) } ?? []
            guard isLive else { return Terminal.write(line, to: STDERR_FILENO) }
            if !line.isEmpty || state.region.isDue { state.region.draw(line, state.view.lines.suffix(8)) }
        }
    }

    /// Takes the live lines away.
    public func finish() {
        state.withLock { state in
            if isLive { state.region.clear() }
            state.view = TransferView()
        }
    }
}
