import DockerfileSyntax
import Reporting

extension StepResolver {
    mutating func resolve(_ run: RunInstruction) throws(Diagnostic) -> ResolvedStep {
        var mounts: [ResolvedMount] = []
        for (index, mount) in run.mounts.enumerated() {
            let source = index < step.mountSources.count ? step.mountSources[index] : .context
            mounts.append(try resolve(mount, from: source))
        }
        let (arguments, scripts) = command(run)
        let buildArguments = state.arguments.compactMap { argument in
            (state.value(of: argument.name) ?? argument.value).map { EnvironmentVariable(argument.name, $0) }
        }
        let resolved = ResolvedRun(
            arguments: arguments,
            isShellForm: !run.command.isExec,
            environment: state.variables,
            proxyEnvironment: ProxyVariables.environment(state.buildArguments),
            buildArguments: buildArguments,
            user: state.user,
            workingDirectory: ImagePath.join("/", state.workingDirectory),
            mounts: mounts,
            network: run.network.flatMap { ResolvedRun.NetworkMode(rawValue: $0.text) } ?? .standard,
            isPrivileged: run.security?.text == "insecure",
            devices: run.devices.map(\.text),
            scripts: scripts
        )
        return ResolvedStep(
            action: .run(resolved),
            createdBy: createdBy(arguments),
            emptyLayer: false,
            unsetVariables: unsetVariables
        )
    }

    private func command(_ run: RunInstruction) -> (arguments: [String], scripts: [InlineFile]) {
        guard case .shell(let text) = run.command, let heredoc = step.instruction.heredocs.first else {
            return (words(run.command), [])
        }
        if run.isHeredocOnly {
            guard heredoc.content.hasPrefix("#!") else { return (state.shell + [heredoc.content], []) }
            let script = InlineFile(name: heredoc.name, content: heredoc.content, range: heredoc.range)
            return (["/dev/pipes/\(heredoc.name)"], [script])
        }
        // The shell does the here-documents itself, so it gets them as they were written.
        var full = text.text
        for heredoc in step.instruction.heredocs { full += "\n" + heredoc.rawContent + heredoc.name }
        return (state.shell + [full], [])
    }

    private func createdBy(_ arguments: [String]) -> String {
        var words = ["RUN"]
        if !state.arguments.isEmpty {
            words.append("|\(state.arguments.count)")
            words += state.arguments.map { "\($0.name)=\(state.value(of: $0.name) ?? $0.value ?? "")" }
        }
        return (words + arguments).joined(separator: " ") + " # buildkit"
    }

    private mutating func resolve(_ mount: MountFlag, from source: ContentSource) throws(Diagnostic) -> ResolvedMount {
        var options = MountOptions(range: mount.range)
        for option in mount.options {
            guard option.key.text != "from" else {
                options.hasSource = true
                continue
            }
            options.values[option.key.text] = (try expandIfGiven(option.value), option.value?.range ?? option.key.range)
        }
        return try options.resolve(from: source, workingDirectory: state.workingDirectory)
    }
}
