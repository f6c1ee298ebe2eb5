import BuildContext
import BuildEngine
import BuildPlanning
import BuildRecords
import Distribution
import DockerfileSyntax
import FileSystem
import Formatting
import Glibc
import Images
import OCI
import Registry
import Reporting
import SystemPackage

/// What is left to do once an image is built.
///
/// Not all of what was prepared: a context that was fetched or unpacked goes away with that.
struct BuiltResult: Sendable {
    let record: BuildRecord
    let image: ListedImage
    let outputs: [ImageOutput]
    /// The repositories that the results of its steps went to.
    let caches: [ImageReference]
}

/// What a `build` command line means: everything checked and read that can be before anything is built.
struct PreparedBuild: Sendable {
    private let request: BuildRequest
    private let outputs: [ImageOutput]
    private let annotations: ImageAnnotations
    private let format: ImageFormat
    private let images: ImageStore
    private let layouts: [ImageReference: NamedContexts.Layout]
    private let pull: PullPolicy
    private let cacheSources: [CacheLocation]
    private let cacheDestinations: [CacheLocation]

    /// - Throws: `UserError`, `DiagnosticsError`.
    init(_ command: BuildOptions, _ images: ImageStore) async throws {
        self.images = images
        pull = command.pull
        let tags = try command.tags.map { try UserError.reading("--tag", $0, ImageReference.init(parsing:)) }
        for tag in tags { try UserError.reading("--tag", tag, ImageStore.check(newName:)) }
        annotations = try UserError.reading("--annotation", command.annotations, ImageAnnotations.init(parsing:))
        format = command.format ?? .oci
        guard format == .oci || annotations.manifest.isEmpty else {
            throw UserError("--annotation: a manifest of Docker's format has none", status: .usage)
        }
        outputs = try command.outputs.map { try UserError.reading("--output", $0, ImageOutput.init(parsing:)) }
        cacheSources = try command.cacheSources.map { text in
            try UserError.reading("--cache-from", text) { try CacheLocation(parsing: $0, .from) }
        }
        cacheDestinations = try command.cacheDestinations.map { text in
            try UserError.reading("--cache-to", text) { try CacheLocation(parsing: $0, .to) }
        }
        var options = PlanOptions(
            target: command.target,
            buildArguments: try BuildArguments(command).values
        )
        options.targetPlatform = try Platform.wanted(command.platform) ?? options.targetPlatform
        let namedContexts = try NamedContexts(command.buildContexts) { images.store }
        options.namedContexts = namedContexts.kinds
        layouts = namedContexts.layouts
        let files = try await BuildFiles(
            context: command.context,
            dockerfile: command.file,
            keepsGitDirectory: options.buildArguments["BUILDKIT_CONTEXT_KEEP_GIT_DIR"] == "1"
        ) { images.store }
        var request = BuildRequest(
            dockerfile: try Dockerfile(parsing: files.dockerfile),
            context: files.context,
            options: options,
            jobs: command.jobs ?? 4
        )
        request.dockerfileName = files.dockerfileName
        request.contextName = files.contextName
        request.namedContexts = namedContexts.openers
        request.tags = tags
        request.labels = try PreparedBuild.labels(command.labels)
        request.usesCache = !command.ignoresCache
        request.runs = try command.runs.settings()
        request.explainsMisses = command.explains
        request.onMiss = command.expectsCached ? .refuse : .make
        request.uncachedStages = command.uncachedStages.flatMap { $0.split(separator: ",").map(String.init) }
        self.request = request
    }

    private func builder(
        _ pull: PullPolicy,
        _ shared: SharedCache?,
        _ events: @escaping @Sendable (BuildEvent) -> Void
    ) -> Builder {
        let bases = BaseImages(
            images: images,
            layouts: layouts,
            resolver: ImageResolver(images, pull: pull) { events(.transfer($0)) },
            isLazy: shared?.hasSources == true
        )
        return Builder(layers: images.layers, images: bases, shared: shared, events: events)
    }

    /// Only looks up which steps are in the cache, and why others are not.
    func look(events: @escaping @Sendable (BuildEvent) -> Void) async throws {
        var request = request
        request.explainsMisses = true
        request.onMiss = .report
        let shared = sharedCache(to: [], events)
        // A base whose steps are elsewhere may be elsewhere too; what it is can be asked without fetching it.
        _ = try await builder(shared == nil ? .never : pull, shared, events).build(request) { _ in
            preconditionFailure("nothing is made where misses are passed by")
        }
    }

    /// Builds, stores the image and gives it its names.
    func execute(events: @escaping @Sendable (BuildEvent) -> Void) async throws -> BuiltResult {
        let shared = sharedCache(to: cacheDestinations, events)
        let builder = builder(pull, shared, events)
        let (images, tags, annotations, format) = (images, request.tags, annotations.manifest, format)
        let record: BuildRecord
        do {
            record = try await builder.build(request) { image in
                try images.add(
                    configuration: image.configuration,
                    layers: image.layers,
                    annotations: annotations,
                    format: format,
                    names: tags
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
            // The image is there, but whoever interrupts the sending wants nothing more to follow.
            try Task.checkCancellation()
            events(.note(shared.summary.sentence))
        }
        guard let id = record.image, let stored = images.image(id: id) else {
            throw UserError("the image was removed right after it was built")
        }
        return BuiltResult(
            record: record,
            image: ListedImage(image: stored, names: request.tags, annotations: self.annotations.descriptor),
            outputs: outputs,
            caches: cacheDestinations.compactMap(\.repository)
        )
    }

    private func sharedCache(to destinations: [CacheLocation], _ events: @escaping @Sendable (BuildEvent) -> Void)
        -> SharedCache?
    {
        guard !cacheSources.isEmpty || !destinations.isEmpty else { return nil }
        return SharedCache(from: cacheSources, to: destinations, images.layers, .shared) { events(.note($0)) }
    }

    private static func labels(_ texts: [String]) throws -> [(name: String, value: String)] {
        try texts.map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let name = parts.first, !name.isEmpty else {
                throw UserError("--label: `\(text)` has no name", status: .usage)
            }
            return (name, parts.count == 2 ? parts[1] : "")
        }
    }
}

extension SharedCache.Summary {
    /// Such as `shared cache: 4 steps found, 2 layers fetched (1.2MB), 0 entries sent`.
    fileprivate var sentence: String {
        func count(_ number: Int, _ one: String, _ many: String) -> String { "\(number) \(number == 1 ? one : many)" }
        let fetched = "\(count(fetched, "layer", "layers")) fetched (\(HumanReadable.size(fetchedBytes)))"
        return
            "shared cache: \(count(found, "step", "steps")) found, \(fetched), \(count(sent, "entry", "entries")) sent"
    }
}
