import BuildCache
import BuildPlanning
import ContainerRuntime
import DockerfileSyntax
import OCI
import Reporting
import Sandbox

/// `RUN`: starts a process on the stage's files; its layer is made while later steps already run.
struct RunStep: LayerStep {
    let context: StepContext
    private let command: ResolvedRun
    private var mounts: RunMounts?

    init(_ command: ResolvedRun, _ context: StepContext) {
        self.command = command
        self.context = context
    }

    var isMadeOnce: Bool { true }

    /// The key by what the other stages and images are made of whose files it mounts.
    func alias() async throws -> StepAlias? {
        let sources = command.mounts.compactMap(\.otherSource)
        guard let shared = context.builder.shared, !sources.isEmpty else { return nil }
        var isRemote = false
        for source in sources where try await context.sources.layers(of: source).contains(where: \.isRemote) {
            isRemote = true
        }
        let mounts = try await RunMounts(command, context, namesSources: true)
        return StepAlias(
            key: StepKey(inputs(mounts) + [NamedInput("mounts", "named")]),
            isNeeded: shared.hasSources && isRemote
        )
    }

    mutating func readInputs(isFirstAttempt: Bool) async throws -> [NamedInput] {
        let settings = context.session.request.runs
        if let refusal = settings.refusal(of: context.step.instruction) {
            throw BuildError.dockerfile(DiagnosticsError(source: context.step.source, diagnostics: [refusal]))
        }
        let mounts = try await RunMounts(command, context)
        self.mounts = mounts
        return inputs(mounts)
    }

    private func inputs(_ mounts: RunMounts) -> [NamedInput] {
        context.commonInputs("RUN", on: context.below.key) + inputs(context.session.request.runs) + mounts.inputs
    }

    /// Everything but its mounts that can influence what the process does; proxies and the addresses of hosts do not
    /// count (BuildKit).
    private func inputs(_ settings: RunSettings) -> [NamedInput] {
        var inputs = command.arguments.enumerated().map { NamedInput("argument \($0.offset)", $0.element) }
        inputs += command.environment.map { NamedInput("environment \($0.name)", $0.value) }
        inputs.append(NamedInput("user", command.user))
        inputs.append(NamedInput("directory", command.workingDirectory))
        inputs.append(NamedInput("network", command.networkMode(settings).rawValue))
        inputs.append(NamedInput("platform", context.stage.platform.description))
        inputs += command.scripts.map { NamedInput("script \($0.name)", $0.content) }
        inputs += settings.hosts.map { NamedInput("host", $0.name) }
        inputs += settings.limits.map { NamedInput("limit", $0.description) }
        if let size = settings.sharedMemorySize { inputs.append(NamedInput("shared memory", String(size))) }
        if let name = context.session.request.hostname { inputs.append(NamedInput("hostname", name)) }
        if command.isPrivileged { inputs.append(NamedInput("security", "insecure")) }
        return inputs
    }

    /// Layers below may still be in the making.
    func prepare() async throws { _ = try await context.rootUser.value }

    func make(_ key: StepKey) async throws -> StepProduct {
        guard let mounts else { preconditionFailure("the inputs were read before") }
        return .changes(try await RunProcess(command, mounts, context, name: key.digest.short).execute())
    }
}
