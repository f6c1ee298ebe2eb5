import Reporting

/// Shows a build to somebody; all of them read the same events.
protocol ProgressRenderer: Sendable {
    /// Takes an event; may be called from several threads at once.
    func show(_ event: BuildEvent)
    /// Shows what is left and gives the terminal back.
    func finish()
}

extension ProgressRenderer {
    func finish() {}
}

/// Shows nothing but warnings go unseen too: for `-q`.
struct SilentProgress: ProgressRenderer {
    func show(_ event: BuildEvent) {}
}
