import BuildPlanning
import ContainerRuntime
import FileSystem
import Layers
import OCI
import Sandbox
import Snapshots
import Threads

extension RunMounts {
    /// The caches of one process in use.
    typealias Caches = [CacheDirectoryStore.Identity: CacheDirectoryStore.Directory]

    /// The mounts as the process's specification has them, in the same order.
    func references(_ caches: Caches) async throws -> [ProcessSpecification.Mount] {
        var references: [ProcessSpecification.Mount] = []
        for mount in mounts {
            let target = mount.options.target
            let reference: ProcessSpecification.Mount
            switch mount.options.kind {
            case .bind(_, _, let isWritable):
                guard let files = mount.files else { preconditionFailure("the files were found before") }
                let layers = try await files.layers.layers
                reference = .init(
                    .image(layers: layers, path: "\(files.path)"),
                    target: target,
                    isReadOnly: !isWritable
                )
            case .cache(let cache):
                guard let directory = caches[identity(cache, mount.files)] else {
                    preconditionFailure("every cache was opened before")
                }
                reference = .init(.cache(name: directory.name), target: target, isReadOnly: cache.isReadOnly)
            case .tmpfs(let size): reference = .init(.memory(size: size.map { UInt64($0) }), target: target)
            case .secret(let secret): reference = .init(.secret(secret.credential), target: target, isReadOnly: true)
            case .ssh(let agent): reference = .init(.agent(agent.credential), target: target)
            }
            references.append(reference)
        }
        return references
    }

    /// The layers in mounts that processes of this build left, which need not be unpacked.
    func unpacked() async throws -> [Digest: SnapshotStore.Snapshot] {
        var result: [Digest: SnapshotStore.Snapshot] = [:]
        for layer in mounts.compactMap(\.files).flatMap(\.layers) {
            if let workspace = layer.workspace { result[try await layer.layer.diffID] = workspace.snapshot }
        }
        return result
    }

    /// What is wrong with a mount of the specification, told at its flag.
    func failure(_ problem: ContainerError.CredentialProblem, ofMount position: Int) -> BuildError {
        let (message, hint) =
            switch problem {
            case .secretTooLarge: ("\(problem)", "take larger files from a bind mount")
            case .secretNotText(_, let name): ("\(problem)", "leave out `env=\(name)`, and read it from a file")
            case .secretNotGiven(let id):
                (
                    "RUN needs the secret `\(id)`, which was not given",
                    "pass it with `--secret id=\(id),src=FILE` or `--secret id=\(id),env=VARIABLE`"
                )
            case .agentNotGiven(let id):
                (
                    "RUN needs the ssh agent `\(id)`, which was not given",
                    "pass it with `--ssh \(id)`, `--ssh \(id)=SOCKET` or `--ssh \(id)=KEYFILE`"
                )
            }
        return .at(mounts[position].options.range, in: context.step.source, message, hints: [hint])
    }
}

extension SecretMount {
    fileprivate var credential: ProcessSpecification.Credential {
        ProcessSpecification.Credential(
            id: id,
            variable: environmentName,
            permissions: mode,
            owner: SandboxUser(userID: userID, groupID: groupID),
            isRequired: isRequired
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

    /// Opens each cache once, in an order that is the same for all, so that no two wait for each other; waits for those
    /// that others have locked.
    ///
    /// - Parameter isAlone: Whether a cache is in one place at a time, since nothing can be mounted.
    /// - Throws: `CancellationError` while it waits.
    func openCaches(isAlone: Bool) async throws -> Caches {
        var wanted: [CacheDirectoryStore.Identity: (sharing: CacheDirectoryStore.Sharing, files: Files?)] = [:]
        for mount in mounts {
            guard case .cache(let cache) = mount.options.kind else { continue }
            let identity = identity(cache, mount.files)
            // Named twice with different sharing, the stricter one holds.
            let sharing = [wanted[identity]?.sharing ?? .shared, CacheDirectoryStore.Sharing(cache.sharing)]
            let strictest = sharing.max { $0.rawValue < $1.rawValue } ?? .shared
            wanted[identity] = (isAlone && strictest == .shared ? .locked : strictest, mount.files)
        }
        let store = CacheDirectoryStore(context.builder.layers)
        var opened: Caches = [:]
        for (identity, cache) in wanted.sorted(by: { $0.key.description < $1.key.description }) {
            var seed: CacheDirectoryStore.Seed?
            if let files = cache.files {
                let stack = try LayerStack(try await files.layers.layers, in: context.builder.layers)
                seed = CacheDirectoryStore.Seed(stack, path: files.path)
            }
            try await context.session.sharedMounts.bring(identity)
            while opened[identity] == nil {
                try Task.checkCancellation()
                opened[identity] = try store.tryOpen(identity, cache.sharing, seed: seed)
                if opened[identity] == nil {
                    context.session.noteOnce("waiting for the cache `\(identity.id)`, which another step has locked")
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
