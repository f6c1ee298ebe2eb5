import BuildRecords
import ContentStore
import Reporting

/// Shows a build to somebody; all of them read the same events.
protocol ProgressRenderer: Sendable {
    /// Takes an event; may be called from several threads at once.
    func show(_ event: BuildEvent)
    /// Takes what became of a build that succeeded.
    func summarise(_ record: BuildRecord, in store: Store)
    /// Shows what is left and gives the terminal back.
    func finish()
    /// Shows why the build failed, after `finish`.
    func fail(_ failure: CommandFailure)
}

extension ProgressRenderer {
    func summarise(_ record: BuildRecord, in store: Store) {}

    func finish() {}

    func fail(_ failure: CommandFailure) { failure.report() }
}

/// Shows nothing but warnings go unseen too: for `-q`.
struct SilentProgress: ProgressRenderer {
    func show(_ event: BuildEvent) {}

    func fail(_ failure: CommandFailure) {
        failure.report()
        GitHubAnnotation.show(failure.problems)
    }
}
