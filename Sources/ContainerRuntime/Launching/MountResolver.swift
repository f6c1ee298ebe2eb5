internal import ContentStore
internal import FileSystem
internal import Layers
internal import Sandbox
internal import Snapshots
internal import SystemPackage
internal import Tar

/// Opens what the mounts of one process refer to.
struct MountResolver {
    let launcher: ProcessLauncher
    /// Each with the position of the reference that it comes from.
    var mounts: [(mount: SandboxMount, position: Int)] = []
    /// `NAME=value`, over those of the specification.
    var variables: [String] = []
    /// What must not be shown.
    var secrets: [[UInt8]] = []
    /// What must live as long as the process.
    var resources: [any Sendable] = []

    private var snapshots: SnapshotStore { launcher.snapshots }

    /// Parents before what lies below them, and else in the order of the references; the sort is stable.
    var sortedMounts: [(mount: SandboxMount, position: Int)] {
        mounts.sorted { PathInRoot($0.mount.target).components.count < PathInRoot($1.mount.target).components.count }
    }

    /// Reads secrets, starts agents, locks caches and unpacks files, as a reference needs it.
    ///
    /// - Throws: `ContainerError`, `ContainerError.CredentialProblem`, `LayerError`, `SystemError`.
    mutating func add(_ mount: ProcessSpecification.Mount, at position: Int) throws {
        let source: SandboxMount.Source? =
            switch mount.source {
            case .bind(let path): .bind(FilePath(path), recursive: true)
            case .image(let layers, let path): try files(layers, path, isReadOnly: mount.isReadOnly)
            case .cache(let name): try cache(name)
            case .inside(let root, let path): .bindInside(root: FilePath(root), path: path, recursive: true)
            case .memory(let size, let options):
                options.map { options in
                    .memory(
                        size: size,
                        permissions: options.permissions,
                        owner: SandboxUser(userID: options.userID, groupID: options.groupID),
                        forbidsPrograms: options.forbidsPrograms
                    )
                } ?? .memory(size: size)
            case .secret(let secret): try value(of: secret)
            case .agent(let agent): try socket(of: agent, at: mount.target)
            }
        guard let source, let target = mount.target else { return }
        mounts.append((SandboxMount(source, target: target, isReadOnly: mount.isReadOnly), position))
    }

    private mutating func files(_ layers: [Layer], _ path: String, isReadOnly: Bool) throws -> SandboxMount.Source {
        guard launcher.isolation.mountsOverlay, try snapshots.fitOverlay(layers) else {
            let copy = try ProcessRoot.copying(LayerStack(layers, in: snapshots.layers), in: snapshots)
            resources.append(copy)
            return .bindInside(root: copy.files, path: path)
        }
        // What is written is in the workspace, and removed with it.
        let (workspace, locks) = try snapshots.lockedWorkspace(over: layers)
        resources += [workspace] + locks
        return .overlay(
            lower: workspace.directories,
            upper: isReadOnly ? nil : workspace.upper,
            work: isReadOnly ? nil : workspace.work,
            path: path
        )
    }

    private mutating func cache(_ name: String) throws -> SandboxMount.Source {
        let directory =
            try launcher.caches.first { $0.name == name } ?? CacheDirectoryStore(snapshots.layers).open(name)
        resources.append(directory)
        return .bind(directory.files)
    }

    private mutating func value(of secret: ProcessSpecification.Credential) throws -> SandboxMount.Source? {
        guard let credentials = launcher.credentials else { return nil }
        let found: [UInt8]?
        do {
            found = try credentials.secret(secret.id)
        } catch let error as SystemError where error.errno == .fileTooLarge {
            throw ContainerError.CredentialProblem.secretTooLarge(secret.id)
        }
        guard let value = found else {
            guard secret.isRequired else { return nil }
            throw ContainerError.CredentialProblem.secretNotGiven(secret.id)
        }
        secrets.append(value)
        if let name = secret.variable {
            guard let text = String(validating: value, as: UTF8.self), !value.contains(0) else {
                throw ContainerError.CredentialProblem.secretNotText(secret.id, variable: name)
            }
            variables.append("\(name)=\(text)")
        }
        return .content(value, permissions: secret.permissions, owner: secret.owner)
    }

    private mutating func socket(of credential: ProcessSpecification.Credential, at target: String?) throws
        -> SandboxMount.Source?
    {
        let variable = "SSH_AUTH_SOCK"
        if let target, !variables.contains(where: { ProcessSpecification.name(of: $0) == variable }) {
            // Also for an agent that is not there (BuildKit): what was given does not count for the key.
            variables.append("\(variable)=\(target)")
        }
        guard let credentials = launcher.credentials else { return nil }
        let temporary = snapshots.layers.store[.temporary]
        let agent: FilePath
        switch credentials.agents[credential.id] {
        case .socket(let path)?: agent = path
        case .keys(let files)?:
            let keys = try KeyAgent(files, in: temporary)
            resources.append(keys)
            agent = keys.socket
        case nil:
            guard credential.isRequired else { return nil }
            throw ContainerError.CredentialProblem.agentNotGiven(credential.id)
        }
        let (permissions, owner) = (credential.permissions, credential.owner)
        let forwarding = try AgentForwarding(to: agent, permissions: permissions, owner: owner, in: temporary)
        resources.append(forwarding)
        return .bind(forwarding.socket)
    }
}
