import BuildCache
import BuildPlanning
import ContentStore
import LayerWriting
import Layers
import OCI
import Reporting
import Tar

/// The `--mount` flags of one `RUN`: what they take files from, and what of it counts for the cache.
///
/// Finding that out reads no secret and makes no directory; `RunMounts+Specification` says what the process needs.
struct RunMounts {
    /// A mount and the files that it shows or begins with.
    struct Mount {
        let options: ResolvedMount
        var files: Files?
    }

    /// A path in the files of another stage, of an image, or of the context as a layer of its own.
    struct Files {
        let layers: [StageLayer]
        /// Without symbolic links.
        let path: PathInRoot
        let isDirectory: Bool
        /// Equal for files that a process cannot tell apart but by their times.
        let digest: Digest
    }

    let context: StepContext
    /// In the order of the flags.
    private(set) var mounts: [Mount] = []

    /// Finds the files of all mounts.
    ///
    /// - Parameter namesSources: Whether the key of another stage or image stands for its files, which are not looked at.
    /// - Throws: `BuildError.dockerfile` for a source that is not there.
    init(_ command: ResolvedRun, _ context: StepContext, namesSources: Bool = false) async throws {
        self.context = context
        for options in command.mounts {
            var mount = Mount(options: options)
            switch options.kind {
            case .bind(let source, let path, _):
                mount.files =
                    try await namesSources && !source.isContext
                    ? named(source, path) : files(of: source, path, options)
            case .cache(let cache):
                if let source = cache.from, !namesSources {
                    mount.files = try await files(of: source, cache.path, options)
                    guard mount.files?.isDirectory ?? true else {
                        throw failure("failed: `\(cache.path)` is a file, and a cache is a directory", options)
                    }
                }
            case .tmpfs, .secret, .ssh: break
            }
            mounts.append(mount)
        }
    }

    /// What counts for the cache: of files that are shown their content, of secrets and caches only that they are there.
    var inputs: [NamedInput] {
        mounts.map { mount in
            let target = mount.options.target ?? ""
            let value: String
            switch mount.options.kind {
            case .bind(_, _, let isWritable):
                value = "bind \(mount.files?.digest.hex ?? "") \(isWritable ? "rw" : "ro")"
            case .cache(let cache): value = "cache \(cache.isReadOnly ? "ro" : "rw")"
            case .tmpfs(let size): value = "tmpfs \(size ?? 0)"
            case .secret(let secret): value = "secret \(secret.inputText)"
            case .ssh(let secret): value = "ssh \(secret.inputText)"
            }
            return NamedInput("mount \(target)", value)
        }
    }

    /// An error at the words that name a mount's source.
    func failure(_ sentence: String, _ options: ResolvedMount, hints: [String] = []) -> BuildError {
        context.failure(sentence, at: options.sourceRange, hints: hints)
    }
}

extension SecretMount {
    /// Everything but its value.
    fileprivate var inputText: String {
        "\(String(mode, radix: 8)) \(userID) \(groupID) \(isRequired) \(environmentName ?? "-") \(id)"
    }
}

extension ResolvedMount {
    /// The other stage or image that it shows files of.
    var otherSource: ContentSource? {
        let source: ContentSource? =
            switch kind {
            case .bind(let source, _, _): source
            case .cache(let cache): cache.from
            case .tmpfs, .secret, .ssh: nil
            }
        return source.flatMap { $0.isContext ? nil : $0 }
    }
}

// MARK: - Files

extension RunMounts {
    private func named(_ source: ContentSource, _ path: String) async throws -> Files {
        let key = try await context.sources.key(of: source)?.hex ?? "scratch"
        return Files(layers: [], path: .root, isDirectory: true, digest: SHA256Hasher.digest(of: "\(key) \(path)"))
    }

    private func files(of source: ContentSource, _ path: String, _ options: ResolvedMount) async throws -> Files {
        if source.isContext { return try await contextFiles(source, path, options) }
        let layers = try await context.sources.layers(of: source)
        let stack = try LayerStack(try await layers.layers, in: context.builder.layers)
        do {
            let (resolved, node) = try stack.view.resolve(PathInRoot(path))
            guard let node else {
                throw failure("failed: `\(path)` is not in \(context.sources.name(of: source))", options)
            }
            let digest = try digest(of: stack, resolved, node.entry, source, options)
            return Files(layers: layers, path: resolved, isDirectory: node.entry.kind == .directory, digest: digest)
        } catch let error as LayerError {
            throw failure("failed: \(error)", options)
        }
    }

    private func digest(
        of stack: LayerStack,
        _ path: PathInRoot,
        _ entry: LayerEntry,
        _ source: ContentSource,
        _ options: ResolvedMount
    ) throws -> Digest {
        // All of an image: its layers say as much as all of its files, of which there may be many.
        if path.isRoot, case .image = source {
            return SHA256Hasher.digest(of: stack.layers.flatMap(\.diffID.bytes))
        }
        let root = try stack.root(path, excluding: [])
        let files = LayerStack.fingerprint(root.map { [$0] } ?? [])
        guard entry.kind == .directory else { return files }
        // What of a copied directory counts is what is in it; of a mounted one its owner and mode are seen too.
        return SHA256Hasher.digest(of: Array("\(entry.permissions) \(entry.userID) \(entry.groupID) \(files.hex)".utf8))
    }

    private func contextFiles(_ source: ContentSource, _ path: String, _ options: ResolvedMount) async throws -> Files {
        guard let buildContext = try await context.session.openedContext(source) else {
            throw failure(
                "needs a build context, but there is none",
                options,
                hints: ["name a directory instead of `-` on the command line"]
            )
        }
        let layer = try ContextLayer(String(path.drop { $0 == "/" }), of: buildContext, options.sourceRange, context)
        return Files(layers: [layer.layer], path: layer.path, isDirectory: layer.isDirectory, digest: layer.key.digest)
    }
}
