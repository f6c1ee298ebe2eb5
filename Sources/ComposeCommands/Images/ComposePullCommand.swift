internal import ArgumentParser
internal import CommandSupport
internal import Compose
internal import Distribution
internal import Reporting
internal import TerminalUI

/// `swiftbuild compose pull`.
struct ComposePullCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Fetch the images of services from their registries.",
        discussion: """
            EXAMPLES:
              swiftbuild compose pull
              swiftbuild compose pull --policy missing db
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Flag(name: .customLong("ignore-buildable"), help: "Leave out services with a `build`.")
    var ignoresBuildable = false

    @Flag(name: .customLong("ignore-pull-failures"), help: "Pull what can be pulled, and do not fail.")
    var ignoresFailures = false

    @Flag(name: .customLong("include-deps"), help: "Also the services that these depend on.")
    var includesDependencies = false

    @Option(
        name: .customLong("policy"),
        help: ArgumentHelp("always, or missing to leave out what is in the store.", valueName: "policy")
    )
    var policy: ComposePullPolicy?

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Show nothing but errors.")
    var isQuiet = false

    @Argument(help: "Only these services.")
    var services: [String] = []

    func run() async throws -> ExitStatus {
        let project = try flags.project(services)
        let chosen = project.chosen(services, withDependencies: includesDependencies)
            .filter { !ignoresBuildable || $0.build == nil }
        var pulls = ServiceImagePolicy()
        pulls.pull = policy?.policy
        let progress = isQuiet ? ProgressMode.quiet.renderer() : flags.renderer()
        let ignoresFailures = ignoresFailures
        return await progress.showing {
            let images = try ServiceImages(project, in: global.store, pulls, progress: progress)
            let failures = try await Signals.cancelling {
                // What can be built is no reason to stop the others.
                try await images.pull(chosen) { ignoresFailures || $0.build != nil }
            }
            progress.finish()
            for failure in failures where ignoresFailures {
                progress.show(.part(of: failure.service.name, .note("\(failure.error)")))
            }
            guard !ignoresFailures, let first = failures.first else { return .success }
            let names = failures.map(\.service.name).joined(separator: " ")
            let error = ServiceFailure(first.service.name, first.error)
            progress.fail(FailureReport(error).adding("`compose build \(names)` builds what cannot be pulled"))
            return .failure
        }
    }
}

/// The values of `--policy`.
enum ComposePullPolicy: String, CaseIterable, ExpressibleByArgument {
    case always, missing

    var policy: ServicePullPolicy { self == .always ? .always : .missing }
}

extension Project {
    /// The services that were named, or all.
    func chosen(_ names: [String], withDependencies: Bool) -> [Service] {
        names.isEmpty || withDependencies ? services : services.filter { names.contains($0.name) }
    }
}

extension ProgressRenderer {
    /// Does something that is shown, and shows why it failed.
    func showing(_ body: () async throws -> ExitStatus) async -> ExitStatus {
        do {
            let status = try await body()
            finish()
            return status
        } catch {
            finish()
            let failure = FailureReport(error)
            fail(failure)
            return failure.status
        }
    }
}
