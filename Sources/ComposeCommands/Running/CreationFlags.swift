internal import ArgumentParser
internal import CommandSupport
internal import Compose
internal import Reporting
internal import TerminalUI

/// What `up` and `create` take for making containers.
struct CreationFlags: ParsableArguments {
    @Flag(name: .customLong("build"), help: "Build the images first.")
    var builds = false

    @Flag(name: .customLong("no-build"), help: "Build no image, even where there is none.")
    var buildsNot = false

    @Option(
        name: .customLong("pull"),
        help: ArgumentHelp("When images are pulled: missing, always, never, build.", valueName: "when")
    )
    var pull: CreationPullPolicy?

    @Flag(name: .customLong("quiet-pull"), help: "Do not show how images are pulled.")
    var pullsQuietly = false

    @Flag(name: .customLong("force-recreate"), help: "Replace all containers.")
    var forces = false

    @Flag(name: .customLong("no-recreate"), help: "Keep the containers that there are.")
    var keeps = false

    @Flag(name: .customLong("always-recreate-deps"), help: "Replace the containers of dependencies too.")
    var forcesDependencies = false

    @Flag(name: .customLong("no-deps"), help: "Leave alone the services that others depend on.")
    var leavesDependencies = false

    @Option(
        name: .customLong("scale"),
        help: ArgumentHelp("How many containers a service has; may repeat.", valueName: "service=number")
    )
    var scales: [String] = []

    @Flag(name: .customLong("remove-orphans"), help: "Remove containers of services that are not in the file.")
    var removesOrphans = false

    @Flag(
        name: [.customShort("V"), .customLong("renew-anon-volumes")],
        help: "Make anonymous volumes anew instead of keeping those of the containers before."
    )
    var renewsVolumes = false

    @Option(
        name: [.customShort("t"), .customLong("timeout")],
        help: ArgumentHelp("Seconds before containers that are stopped are killed.", valueName: "seconds")
    )
    var timeout: Int?

    @Flag(
        name: .customLong("expect-cached"),
        help: "Fail with exit code 4 where a step of a build is not in the cache."
    )
    var expectsCached = false

    /// The project with the services that are asked for, and those that they need unless `--no-deps` is given.
    func open(_ services: [String], _ flags: ComposeFlags, in global: GlobalOptions) throws -> (ComposeProject, Project)
    {
        if builds, buildsNot { throw UserError("--build and --no-build exclude each other", status: .usage) }
        if forces, keeps { throw UserError("--force-recreate and --no-recreate exclude each other", status: .usage) }
        var (project, definition) = try flags.open(services, in: global)
        if leavesDependencies, !services.isEmpty {
            definition = definition.keeping(Set(services))
            project = ComposeProject(name: project.name, definition: definition, images: project.images)
        }
        return (project, definition)
    }

    func imagePolicy(explains: Bool = false) -> ServiceImagePolicy {
        var policy = ServiceImagePolicy()
        policy.build = builds ? .always : buildsNot ? .never : .missing
        policy.pull = pull?.policy
        policy.explains = explains
        policy.expectsCached = expectsCached
        return policy
    }

    /// Shows what is built and pulled.
    func renderer(_ flags: ComposeFlags) -> any ProgressRenderer {
        pullsQuietly ? ProgressMode.quiet.renderer() : flags.renderer()
    }

    func planOptions(_ services: [String], _ definition: Project) throws -> ProjectPlan.Options {
        var options = ProjectPlan.Options()
        options.policy = forces ? .always : keeps ? .never : .changed
        options.policyOfDependencies = forcesDependencies ? .always : keeps ? .never : .changed
        options.services = Set(services)
        for text in scales {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let count = Int(parts[1]), (0...1000).contains(count) else {
                throw UserError("--scale: invalid `\(text)`: expected, for example, web=3", status: .usage)
            }
            guard definition[service: parts[0]] != nil else {
                throw ComposeProject.noService(parts[0], among: definition.declaredServices)
            }
            options.replicas[parts[0]] = count
        }
        for service in definition.services where service.containerName != nil {
            guard options.replicas[service.name] ?? service.replicas > 1 else { continue }
            throw UserError(
                "the service `\(service.name)` has `container_name`, and so cannot have several containers",
                hints: ["without `container_name` each gets a name of its own"]
            )
        }
        return options
    }
}

/// The values of `--pull`.
enum CreationPullPolicy: String, CaseIterable, ExpressibleByArgument {
    case missing, always, never, build

    var policy: ServicePullPolicy {
        switch self {
        case .missing: .missing
        case .always: .always
        case .never: .never
        case .build: .build
        }
    }
}
