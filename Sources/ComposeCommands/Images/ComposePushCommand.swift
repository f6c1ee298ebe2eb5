internal import ArgumentParser
internal import CommandSupport
internal import Compose
internal import Reporting
internal import TerminalUI

/// `swiftbuild compose push`.
struct ComposePushCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Send the images of services to their registries.",
        discussion: """
            Those of services that have both `image` and `build`, also under the `tags` of the build.

            EXAMPLES:
              swiftbuild compose push
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Flag(name: .customLong("ignore-push-failures"), help: "Push what can be pushed, and do not fail.")
    var ignoresFailures = false

    @Flag(name: .customLong("include-deps"), help: "Also the services that these depend on.")
    var includesDependencies = false

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Show nothing but errors.")
    var isQuiet = false

    @Argument(help: "Only these services.")
    var services: [String] = []

    func run() async throws -> ExitStatus {
        let project = try flags.project(services)
        let chosen = project.chosen(services, withDependencies: includesDependencies)
        let progress = isQuiet ? ProgressMode.quiet.renderer() : flags.renderer()
        let ignoresFailures = ignoresFailures
        return await progress.showing {
            let images = try ServiceImages(project, in: global.store, progress: progress)
            let failures = try await Signals.cancelling {
                try await images.push(chosen, ignoresFailures: ignoresFailures)
            }
            for failure in failures { progress.show(.part(of: failure.service.name, .note("\(failure.error)"))) }
            return .success
        }
    }
}
