import BuildPlanning
import BuildRecords
import ContainerRuntime
import FileSystem
import Layers
import Reporting
import Sandbox
import SystemPackage

extension RunStep {
    /// Keeps what a process left that failed, for whoever wants to look around in it.
    func keep(_ root: ProcessRoot, _ configuration: SandboxConfiguration) async {
        guard let layers = try? await stage.result.layers.layers else { return }
        var state = FailedStep.State(
            text: event.text,
            layers: .init(layers),
            isOverlay: root.workspace != nil,
            environment: configuration.environment,
            workingDirectory: configuration.workingDirectory,
            userID: configuration.user.userID,
            groupID: configuration.user.groupID,
            supplementaryGroups: configuration.user.supplementaryGroups,
            hostname: configuration.hostname,
            hosts: settings.hosts.map { .init(name: $0.name, value: $0.address) },
            scripts: command.scripts.map { .init(name: $0.name, value: $0.content) },
            hasNetwork: configuration.network == .host,
            isPrivileged: command.isPrivileged,
            sharedMemorySize: settings.sharedMemorySize,
            mounts: [],
            missing: []
        )
        for mount in mounts.mounts { await add(mount, configuration, to: &state) }
        FailedStep.keep(
            root,
            state,
            build: stage.run.recorder.record.id.description,
            stage: stage.place.stage,
            step: stage.place.step,
            in: stage.builder.store
        )
    }

    private func add(
        _ mount: RunMounts.Mount,
        _ configuration: SandboxConfiguration,
        to state: inout FailedStep.State
    ) async {
        let target = mount.options.target
        switch mount.options.kind {
        case .bind(_, _, let isWritable):
            guard let target, let files = mount.files, let layers = try? await files.layers.layers else { return }
            let (stack, path) = (FailedStep.State.Layers(layers), "\(files.path)")
            state.mounts.append(.init(target: target, isReadOnly: !isWritable, layers: stack, path: path))
        case .cache(let cache):
            // Which directory it was depends on who else used it.
            let name = configuration.mounts.last { $0.target == target }.flatMap { mount -> String? in
                guard case .bind(let path, _) = mount.source else { return nil }
                return path.removingLastComponent().lastComponent?.string
            }
            if let target, let name {
                state.mounts.append(.init(target: target, isReadOnly: cache.isReadOnly, cache: name))
            }
        case .tmpfs(let size):
            if let target { state.mounts.append(.init(target: target, size: size.map { UInt64($0) })) }
        case .secret(let secret):
            state.missing.append("the secret `\(secret.id)`")
            if let name = secret.environmentName { state.environment.removeAll { $0.hasPrefix("\(name)=") } }
        case .ssh(let secret): state.missing.append("the ssh agent `\(secret.id)`")
        }
    }
}
