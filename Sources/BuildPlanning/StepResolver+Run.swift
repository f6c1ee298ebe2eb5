import DockerfileSyntax
import Reporting

extension StepResolver {
    mutating func resolve(_ run: RunInstruction) throws(Diagnostic) -> ResolvedStep {
        var mounts: [ResolvedMount] = []
        for (mount, source) in zip(run.mounts, step.mountSources) {
            let agentCount = mounts.count { if case .ssh = $0.kind { true } else { false } }
            mounts.append(try resolve(mount, from: source, agentCount: agentCount))
        }
        warn(ofMissingWords: run.command, "remove the instruction, or add a command")
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
            scripts: scripts
        )
        return ResolvedStep(
            action: .run(resolved),
            createdBy: createdBy(arguments),
            emptyLayer: false,
            unsetVariables: unsetVariables,
            warnings: warnings
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

    private mutating func resolve(_ mount: MountFlag, from source: ContentSource, agentCount: Int) throws(Diagnostic)
        -> ResolvedMount
    {
        var options = MountOptions(
            range: mount.range,
            source: source,
            workingDirectory: state.workingDirectory,
            agentCount: agentCount,
            cacheNamespace: state.buildArguments["BUILDKIT_CACHE_MOUNT_NS"]
        )
        for option in mount.options {
            let key = option.key.text
            if let earlier = options.values[key] {
                warnings.append(
                    Diagnostic(
                        .warning,
                        "the mount option `\(key)` is given twice; the last one counts",
                        at: option.key.range,
                        notes: [.init("it is given here first", at: earlier.range)]
                    )
                )
            }
            // What `from` names was found when the build was planned.
            let value = key == "from" ? option.value?.text : try expandIfGiven(option.value)
            options.values[key] = (value, option.value?.range ?? option.key.range)
        }
        return try options.resolve()
    }
}
