import BuildPlanning
import ContainerRuntime
import ContentStore
import FileSystem
import Glibc
import Layers
import OCI
import Reporting
import Sandbox
import Snapshots
import SystemPackage

extension RunMounts {
    /// What one process gets.
    struct Prepared: Sendable {
        /// Parents before what lies below them, with the flag that each comes from.
        var mounts: [(mount: SandboxMount, range: SourceRange)] = []
        /// Variables that go before those of the image.
        var environment: [EnvironmentVariable] = []
        /// What must not be shown.
        var secrets: [[UInt8]] = []
        /// What must live as long as the process.
        var resources: [any Sendable] = []
    }

    /// Reads secrets, locks caches and unpacks files, waiting for caches that others have locked.
    ///
    /// - Throws: `BuildError` for what was not given or cannot be had here, `CancellationError` while it waits.
    func prepare(_ isolation: Isolation.Kind) async throws -> Prepared {
        var prepared = Prepared()
        let caches = try await openCaches()
        for mount in mounts {
            let (options, files) = (mount.options, mount.files)
            switch options.kind {
            case .bind(_, _, let isWritable):
                guard let files else { continue }
                try await bind(files, isWritable: isWritable, options, isolation, &prepared)
            case .cache(let cache):
                guard let directory = caches[identity(cache, files)] else { continue }
                prepared.resources.append(directory)
                prepared.add(.bind(directory.files), options, isReadOnly: cache.isReadOnly)
            case .tmpfs(let size): prepared.add(.memory(size: size.map { UInt64($0) }), options)
            case .secret(let secret): try addSecret(secret, options, &prepared)
            case .ssh(let secret): try forwardAgent(secret, options, &prepared)
            }
        }
        guard prepared.mounts.isEmpty || isolation.level != .chroot else {
            throw BuildError.environment(
                "RUN --mount needs mounts, which this machine does not allow",
                hint: "run as root, or allow unprivileged user namespaces"
            )
        }
        // By depth, and else as they are written; the sort is stable.
        prepared.mounts.sort {
            PathInRoot($0.mount.target).components.count < PathInRoot($1.mount.target).components.count
        }
        return prepared
    }
}

extension RunMounts.Prepared {
    fileprivate mutating func add(
        _ source: SandboxMount.Source,
        _ options: ResolvedMount,
        isReadOnly: Bool = false
    ) {
        guard let target = options.target else { return }
        mounts.append((SandboxMount(source, target: target, isReadOnly: isReadOnly), options.range))
    }
}

// MARK: - Files

extension RunMounts {
    private func bind(
        _ files: Files,
        isWritable: Bool,
        _ options: ResolvedMount,
        _ isolation: Isolation.Kind,
        _ prepared: inout Prepared
    ) async throws {
        let snapshots = stage.builder.snapshots
        let path = "\(files.path)"
        guard isolation.mountsOverlay, try await files.layers.fitOverlay(in: snapshots) else {
            let stack = try LayerStack(try await files.layers.layers, in: stage.builder.layers)
            let copy = try ProcessRoot.copying(stack, in: snapshots)
            prepared.resources.append(copy)
            if case .directory(let root) = copy.sandbox {
                prepared.add(.bindInside(root: root, path: path), options, isReadOnly: !isWritable)
            }
            return
        }
        // What is written is in the workspace, and gone with it.
        let workspace = try snapshots.workspace(over: try await files.layers.snapshots(in: snapshots))
        prepared.resources.append(workspace)
        prepared.add(
            .overlay(
                lower: workspace.lower.reversed().map(\.files),
                upper: isWritable ? workspace.upper : nil,
                work: isWritable ? workspace.work : nil,
                path: path
            ),
            options,
            isReadOnly: !isWritable
        )
    }
}

// MARK: - Caches

extension RunMounts {
    private func identity(_ cache: CacheMount, _ files: Files?) -> CacheDirectoryStore.Identity {
        CacheDirectoryStore.Identity(
            id: cache.id,
            permissions: cache.mode.map { UInt16(truncatingIfNeeded: $0) },
            userID: cache.userID,
            groupID: cache.groupID,
            seed: files?.digest
        )
    }

    /// Opens each cache once, in an order that is the same for all, so that no two wait for each other.
    private func openCaches() async throws -> [CacheDirectoryStore.Identity: CacheDirectoryStore.Directory] {
        var wanted: [CacheDirectoryStore.Identity: (sharing: CacheDirectoryStore.Sharing, files: Files?)] = [:]
        for mount in mounts {
            guard case .cache(let cache) = mount.options.kind else { continue }
            let identity = identity(cache, mount.files)
            // Named twice with different sharing, the stricter one holds.
            let sharing = [wanted[identity]?.sharing ?? .shared, CacheDirectoryStore.Sharing(cache.sharing)]
            wanted[identity] = (sharing.max { $0.rawValue < $1.rawValue } ?? .shared, mount.files)
        }
        let store = CacheDirectoryStore(stage.builder.layers)
        var opened: [CacheDirectoryStore.Identity: CacheDirectoryStore.Directory] = [:]
        for (identity, cache) in wanted.sorted(by: { $0.key.description < $1.key.description }) {
            var seed: CacheDirectoryStore.Seed?
            if let files = cache.files {
                let stack = try LayerStack(try await files.layers.layers, in: stage.builder.layers)
                seed = CacheDirectoryStore.Seed(stack, path: files.path)
            }
            while opened[identity] == nil {
                try Task.checkCancellation()
                opened[identity] = try store.tryOpen(identity, cache.sharing, seed: seed)
                if opened[identity] == nil {
                    stage.run.noteOnce("waiting for the cache `\(identity.id)`, which another step has locked")
                    try await Pause.wait(seconds: 0.005)
                }
            }
        }
        return opened
    }
}

extension CacheDirectoryStore.Sharing {
    fileprivate init(_ sharing: CacheMount.Sharing) {
        switch sharing {
        case .shared: self = .shared
        case .private: self = .private
        case .locked: self = .locked
        }
    }
}

// MARK: - Secrets

extension RunMounts {
    private func addSecret(_ secret: SecretMount, _ options: ResolvedMount, _ prepared: inout Prepared) throws {
        let found: [UInt8]?
        do {
            found = try stage.run.secrets.value(secret.id)
        } catch let error as SystemError where error.errno == .fileTooLarge {
            throw BuildError.at(
                options.range,
                in: step.source,
                "the secret `\(secret.id)` is larger than 500 KiB",
                hints: ["take larger files from a bind mount"]
            )
        }
        guard let value = found else {
            guard secret.isRequired else { return }
            throw BuildError.at(
                options.range,
                in: step.source,
                "RUN needs the secret `\(secret.id)`, which was not given",
                hints: ["pass it with `--secret id=\(secret.id),src=FILE` or `--secret id=\(secret.id),env=VARIABLE`"]
            )
        }
        prepared.secrets.append(value)
        prepared.add(
            .content(value, permissions: secret.mode, owner: secret.owner),
            options,
            isReadOnly: true
        )
        guard let name = secret.environmentName else { return }
        guard let text = String(validating: value, as: UTF8.self), !value.contains(0) else {
            throw BuildError.at(
                options.range,
                in: step.source,
                "the secret `\(secret.id)` is not text, so no variable can hold it",
                hints: ["leave out `env=\(name)`, and read it from a file"]
            )
        }
        prepared.environment.append(EnvironmentVariable(name, text))
    }

    private func forwardAgent(_ secret: SecretMount, _ options: ResolvedMount, _ prepared: inout Prepared) throws {
        if let target = options.target, !prepared.environment.contains(where: { $0.name == "SSH_AUTH_SOCK" }) {
            // Also for an agent that is not there (BuildKit): what was given does not count for the key.
            prepared.environment.append(EnvironmentVariable("SSH_AUTH_SOCK", target))
        }
        let agent: FilePath
        let temporary = stage.builder.store[.temporary]
        switch stage.run.request.runs.agents[secret.id] {
        case .socket(let path)?: agent = path
        case .keys(let files)?:
            let keys = try KeyAgent(files, in: temporary)
            prepared.resources.append(keys)
            agent = keys.socket
        case nil:
            guard secret.isRequired else { return }
            throw BuildError.at(
                options.range,
                in: step.source,
                "RUN needs the ssh agent `\(secret.id)`, which was not given",
                hints: [
                    "pass it with `--ssh \(secret.id)`, `--ssh \(secret.id)=SOCKET` or `--ssh \(secret.id)=KEYFILE`"
                ]
            )
        }
        let forwarding = try AgentForwarding(
            to: agent,
            permissions: secret.mode,
            userID: secret.userID,
            groupID: secret.groupID,
            in: temporary
        )
        prepared.resources.append(forwarding)
        prepared.add(.bind(forwarding.socket), options)
    }
}

extension SecretMount {
    fileprivate var owner: SandboxUser { SandboxUser(userID: userID, groupID: groupID) }
}
