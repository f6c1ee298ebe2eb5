internal import FileSystem
internal import Glibc
public import Reporting

/// Shows a build to the user; all of them read the same events.
public protocol ProgressRenderer: Sendable {
    /// Takes an event; may be called from several threads at once.
    func show(_ event: BuildEvent)
    /// Takes a line about what a build that succeeded did, which is only made where it is shown.
    func summarise(_ summary: () -> String)
    /// Shows what is left and gives the terminal back.
    func finish()
    /// Shows why the build failed, after `finish`.
    func fail(_ failure: FailureReport)
}

extension ProgressRenderer {
    public func summarise(_ summary: () -> String) {}

    public func finish() {}

    public func fail(_ failure: FailureReport) { failure.write() }
}

/// Shows nothing, not even warnings; used for `-q`.
struct SilentProgress: ProgressRenderer {
    func show(_ event: BuildEvent) {}

    func fail(_ failure: FailureReport) {
        failure.write()
        GitHubAnnotation.show(failure.problems)
    }
}

/// How a build is shown: the values of `--progress`.
public enum ProgressMode: String, CaseIterable, Sendable {
    case auto, plain, tty, json
    /// BuildKit's name for `json`.
    case rawjson
    /// The same as `-q`.
    case quiet

    /// What BUILDKIT_PROGRESS says, or `auto`.
    public static var usual: ProgressMode {
        ProcessEnvironment["BUILDKIT_PROGRESS"].flatMap(ProgressMode.init(rawValue:)) ?? .auto
    }

    public func renderer() -> any ProgressRenderer {
        switch self {
        case .quiet: SilentProgress()
        case .plain: ProgressMode.transcript()
        case .json, .rawjson: JSONProgress()
        case .tty: TTYProgress()
        case .auto: Terminal.isLive(STDERR_FILENO) ? TTYProgress() : ProgressMode.transcript()
        }
    }

    private static func transcript() -> any ProgressRenderer {
        FoldingProgress.Service.current.map { FoldingProgress($0) } ?? PlainProgress()
    }
}
