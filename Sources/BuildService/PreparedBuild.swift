internal import BuildContext
internal import BuildEngine
internal import BuildPlanning
internal import BuildRecords
internal import Distribution
internal import DockerfileSyntax
internal import Formatting
internal import Images
internal import Layers
internal import OCI
internal import Registry
internal import Reporting

/// A build that can begin: its options are read, and its Dockerfile and contexts are there.
struct PreparedBuild: Sendable {
    private let request: BuildRequest
    private let annotations: [String: String]
    private let format: ImageFormat
    private let images: ImageStore
    private let contexts: NamedContexts
    private let pull: PullPolicy
    private let cacheSources: [CacheLocation]
    private let cacheDestinations: [CacheLocation]
    /// Whether all of the image is wanted in the store, rather than only in a registry.
    private let completesImage: Bool
    /// How the image will be pushed, if it will.
    private let sending: LayerSending?

    /// - Throws: `UserError`, `DiagnosticsError`.
    init(_ options: BuildOptions, _ settings: BuildSettings, _ images: ImageStore) async throws {
        self.images = images
        pull = options.pull
        (annotations, format) = (settings.annotations.manifest, settings.format)
        (cacheSources, cacheDestinations) = (settings.cacheSources, settings.cacheDestinations)
        sending = options.pushes ? settings.sending : nil
        completesImage = !options.pushes || !settings.outputs.isEmpty || options.keepsWholeImage
        var plan = settings.plan
        contexts = try NamedContexts(options) { images.store }
        plan.namedContexts = contexts.kinds
        let files = try await BuildFiles(
            options,
            keepsGitDirectory: plan.buildArguments["BUILDKIT_CONTEXT_KEEP_GIT_DIR"] == "1"
        ) { images.store }
        var request = BuildRequest(
            dockerfile: try Dockerfile(parsing: files.dockerfile),
            context: files.context,
            options: plan,
            jobs: options.jobs ?? 4
        )
        request.dockerfileName = files.dockerfileName
        request.contextName = files.contextName
        request.namedContexts = contexts.openers
        request.tags = settings.tags
        request.labels = settings.labels
        request.usesCache = !options.ignoresCache
        request.runs = settings.runs
        request.explainsMisses = options.explains
        request.onMiss = options.expectsCached ? .refuse : .make
        request.uncachedStages = options.uncachedStages.flatMap { $0.split(separator: ",").map(String.init) }
        self.request = request
    }

    /// Only looks up which steps are in the cache, and why others are not.
    func look(events: @escaping @Sendable (BuildEvent) -> Void) async throws {
        var request = request
        request.explainsMisses = true
        request.onMiss = .report
        let promises = LayerPromises()
        let shared = sharedCache(to: [], promises, isLazy: true, events)
        // A base whose steps are elsewhere may be elsewhere too; what it is can be asked without fetching it.
        let resolver = ImageResolver(
            images,
            pull: shared == nil ? .never : pull,
            isLooking: true,
            emit: { events(.transfer($0)) },
            bringDocuments: shared?.bringDocuments
        )
        _ = try await builder(resolver, isLazy: true, shared, nil, events).build(request) { _ in
            preconditionFailure("nothing is made where misses are passed by")
        }
    }

    /// What a build gives: the image in the store, and how those of its layers come there that nothing has read.
    struct Built {
        let record: BuildRecord
        let image: StoredImage
        let promises: LayerPromises
    }

    /// Builds, stores the image and gives it its name, unless layers of it are elsewhere: then it is to be named when a
    /// registry has it.
    ///
    /// - Parameter isLazy: Whether what nothing reads is left where it is.
    /// - Throws: Also `UnkeptPromise`, after which the same without being lazy may succeed.
    func execute(isLazy: Bool, events: @escaping @Sendable (BuildEvent) -> Void) async throws -> Built {
        let (images, tags, annotations, format) = (images, self.request.tags, annotations, format)
        let promises = LayerPromises()
        let shared = sharedCache(to: cacheDestinations, promises, isLazy: isLazy, events)
        let resolver = ImageResolver(
            images,
            pull: pull,
            promises: promises,
            emit: { events(.transfer($0)) },
            bringDocuments: shared?.bringDocuments
        )
        let early = sending.map { EarlyCompression(images.layers, $0, format) }
        let builder = builder(resolver, isLazy: isLazy, shared, early, events)
        var request = request
        request.completesImage = completesImage || !isLazy
        let mayBePromised = !request.completesImage
        let record: BuildRecord
        do {
            record = try await builder.build(request) { image in
                try images.add(
                    configuration: image.configuration,
                    layers: image.layers,
                    annotations: annotations,
                    format: format,
                    names: tags,
                    mayBePromised: mayBePromised
                ).id
            }
        } catch {
            // What was done before the failure is worth keeping.
            if error is CancellationError { shared?.cancel() }
            await shared?.finish()
            throw error
        }
        if let shared {
            await shared.finish()
            // The image exists, but interrupting the push means that nothing more is wanted.
            try Task.checkCancellation()
            events(.note(shared.summary.sentence))
        }
        guard let id = record.image, let stored = images.image(id: id) else {
            throw UserError("the image was removed right after the build")
        }
        return Built(record: record, image: stored, promises: promises)
    }

    private func builder(
        _ resolver: ImageResolver,
        isLazy: Bool,
        _ shared: SharedCache?,
        _ early: EarlyCompression?,
        _ events: @escaping @Sendable (BuildEvent) -> Void
    ) -> Builder {
        let bases = BaseImages(images: images, contexts: contexts, resolver: resolver, isLazy: isLazy)
        return Builder(
            layers: images.layers,
            images: bases,
            shared: shared,
            captured: early.map { early in { @Sendable layer in try await early.compress(layer) } },
            events: events
        )
    }

    private func sharedCache(
        to destinations: [CacheLocation],
        _ promises: LayerPromises,
        isLazy: Bool,
        _ events: @escaping @Sendable (BuildEvent) -> Void
    ) -> SharedCache? {
        guard !cacheSources.isEmpty || !destinations.isEmpty else { return nil }
        return SharedCache(
            from: cacheSources,
            to: destinations,
            images.layers,
            .shared,
            promises: promises,
            believesIndexes: isLazy
        ) { events(.note($0)) }
    }
}

extension SharedCache.Summary {
    /// Such as `shared cache: 4 steps found, 2 layers fetched (1.2MB), 0 entries sent`.
    fileprivate var sentence: String {
        func count(_ number: Int, _ one: String, _ many: String) -> String { "\(number) \(number == 1 ? one : many)" }
        let fetched = "\(count(fetched, "layer", "layers")) fetched (\(HumanReadable.size(fetchedBytes)))"
        var text =
            "shared cache: \(count(found, "step", "steps")) found, \(fetched), \(count(sent, "entry", "entries")) sent"
        let one = "cache mount"
        if restoredMounts > 0 {
            text += ", \(count(restoredMounts, one, "\(one)s")) restored (\(HumanReadable.size(restoredBytes)))"
        }
        if keptMounts > 0 { text += ", \(count(keptMounts, one, "\(one)s")) kept (\(HumanReadable.size(keptBytes)))" }
        return text
    }
}
