internal import ArgumentParser
internal import BuildService
internal import CommandSupport
internal import Compose
internal import Glibc
internal import OCI
internal import Reporting
internal import TerminalUI

/// `swiftbuild compose build`.
struct ComposeBuildCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Build the images of services.",
        discussion: """
            The image has the name of `image`, or that of the project and the service. Services are built at the same \
            time, after those whose images are contexts of their builds.

            EXAMPLES:
              swiftbuild compose build
              swiftbuild compose build --build-arg VERSION=2 web
              swiftbuild compose build --expect-cached
              swiftbuild compose build --check
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Option(
        name: .customLong("build-arg"),
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A value for ARG in the place of the file's; without `=value`, the variable's; may repeat.",
            valueName: "name[=value]"
        )
    )
    var buildArguments: [String] = []

    @Flag(name: .customLong("no-cache"), help: "Run every step again; the results are still cached.")
    var ignoresCache = false

    @Flag(name: .customLong("pull"), help: "Pull base images, so that the newest ones are used.")
    var pullsBases = false

    @Flag(name: .customLong("push"), help: "Push the images of services that have an `image`.")
    var pushes = false

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Show nothing but errors.")
    var isQuiet = false

    @Option(
        name: .customLong("ssh"),
        help: ArgumentHelp("An ssh agent for RUN --mount=type=ssh; may repeat.", valueName: "default|id[=socket|key,…]")
    )
    var agents: [String] = []

    @Flag(name: .customLong("with-dependencies"), help: "Also the services that these depend on.")
    var includesDependencies = false

    @Flag(name: .customLong("explain"), help: "Show why each step that is not in the cache is not.")
    var explains = false

    @Flag(
        name: .customLong("expect-cached"),
        help: "Fail with exit code 4 at the first step that is not in the cache, before running it."
    )
    var expectsCached = false

    @Flag(name: .customLong("check"), help: "Check the Dockerfiles and build nothing.")
    var checks = false

    @Flag(name: .customLong("print"), help: "Print the builds as a file of `docker buildx bake`, and build nothing.")
    var prints = false

    @Option(name: .customLong("provenance"), help: .hidden) var provenance: String?
    @Option(name: .customLong("sbom"), help: .hidden) var billOfMaterials: String?

    @Argument(help: "Only these services.")
    var services: [String] = []

    func run() async throws -> ExitStatus {
        for (option, value) in [("--provenance", provenance), ("--sbom", billOfMaterials)] {
            guard let value, !BuildOptions.switchesOff(attestation: value) else { continue }
            throw UserError(
                "\(option): attestations are not supported, so it takes only `false`, not `\(value)`",
                status: .usage
            )
        }
        let project = try flags.project(services)
        let chosen = project.chosen(services, withDependencies: includesDependencies).filter { $0.build != nil }
        guard !chosen.isEmpty else {
            Terminal.write("note: no service has a `build`\n", to: STDERR_FILENO)
            return .success
        }
        var policy = ServiceImagePolicy()
        policy.build = .always
        policy.buildsAllPlatforms = true
        (policy.pushes, policy.buildArguments, policy.agents) = (pushes, buildArguments, agents)
        (policy.ignoresCache, policy.pullsBases) = (ignoresCache, pullsBases)
        (policy.explains, policy.expectsCached) = (explains, expectsCached)
        if prints {
            try Terminal.print(json: BakeFile(project: project, policy: policy, checks: checks).document(chosen))
            return .success
        }
        if checks { return try await check(chosen, project, policy) }
        let progress = isQuiet ? ProgressMode.quiet.renderer() : flags.renderer()
        return await progress.showing {
            let images = try ServiceImages(project, in: global.store, policy, progress: progress)
            _ = try await Signals.cancelling { try await images.ensure(chosen) }
            return .success
        }
    }

    /// - Returns: That of the worst findings.
    private func check(_ services: [Service], _ project: Project, _ policy: ServiceImagePolicy) async throws
        -> ExitStatus
    {
        var status = ExitStatus.success
        for service in services {
            guard let build = service.build else { continue }
            let recipe =
                ServiceBuild(service: service, definition: build, project: project, policy: policy, checks: true)
            let name = try ImageReference(parsing: project.image(of: service))
            let options = try recipe.options(name: name, bases: [:])
            let store = global.store
            let found = try await Signals.cancelling { try await BuildService(store).check(options) }
            found.showFindings("service `\(service.name)`: ")
            if found.statusOfFindings != .success { status = found.statusOfFindings }
        }
        return status
    }
}
