internal import BuildChecks
internal import BuildContext
internal import BuildEngine
internal import BuildPlanning
public import BuildRecords
internal import ContentStore
internal import Distribution
internal import DockerfileSyntax
internal import FileSystem
public import Images
internal import Layers
internal import OCI
internal import Registry
public import Reporting
internal import SystemPackage

/// Builds what options say, in one store.
public struct BuildService: Sendable {
    private let store: StoreLocation
    private let events: @Sendable (BuildEvent) -> Void

    /// - Parameter events: Told everything that happens; called from several threads.
    public init(_ store: StoreLocation, events: @escaping @Sendable (BuildEvent) -> Void = { _ in }) {
        self.store = store
        self.events = events
    }

    /// Builds an image, gives it its names, and writes and pushes it as the options say.
    ///
    /// - Returns: The record of the build, with the ID of the image.
    /// - Throws: `UserError`, `DiagnosticsError`, `BuildError`, `RegistryError`, `LoginError`, `CancellationError`, and
    ///   errors of the store.
    public func build(_ options: BuildOptions) async throws -> BuildRecord {
        let settings = try BuildSettings(options)
        let images = try store.open()
        // What was prepared goes away before the image is written: a context may have been unpacked for it.
        let prepared = try await PreparedBuild(options, settings, images)
        let image: ListedImage
        let record: BuildRecord
        do {
            (image, record) = try await build(options, settings, images) {
                try await prepared.execute(isLazy: true, events: events)
            }
        } catch let error where error is UnkeptPromise || error is FalseClaim {
            // Slower, but not failed.
            events(.note("\(error); building without relying on them"))
            (image, record) = try await build(options, settings, images) {
                try await prepared.execute(isLazy: false, events: events)
            }
        }
        let id = "\(image.image.id)"
        if let path = options.idFile { try write(Array(id.utf8), to: path) }
        if let path = options.metadataFile { try write(try BuildMetadata(image, record).json, to: path) }
        return record
    }

    /// Builds, writes and pushes.
    private func build(
        _ options: BuildOptions,
        _ settings: BuildSettings,
        _ images: ImageStore,
        _ execute: () async throws -> PreparedBuild.Built
    ) async throws -> (ListedImage, BuildRecord) {
        // Until it has a name, nothing else keeps the image.
        let lock = try images.store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        let built = try await execute()
        let image = ListedImage(image: built.image, names: settings.tags, annotations: settings.annotations.descriptor)
        events(.built(id: "\(built.image.id)"))
        if built.image.isComplete {
            for name in image.names { events(.tagged(name.familiar)) }
        }
        for output in settings.outputs {
            try images.write(image, to: output)
            if let destination = output.shownDestination { events(.exported(destination)) }
        }
        if options.pushes { try await push(image, built.promises, images, settings) }
        if !built.image.isComplete {
            try images.tag(built.image, as: image.names)
            for name in image.names { events(.tagged(name.familiar)) }
        }
        return (image, built.record)
    }

    /// Only looks up which steps are in the cache, and why others are not; no step is made.
    ///
    /// - Throws: As `build` does.
    public func lookUp(_ options: BuildOptions) async throws -> [CacheCheck.Step] {
        let settings = try BuildSettings(options)
        // What others say of a step or a base has to be put somewhere.
        let images = try options.cacheSources.isEmpty ? store.look() : store.open()
        let found = CacheCheck()
        try await PreparedBuild(options, settings, images).look { found.take($0) }
        return found.steps
    }

    /// What the checks find in a Dockerfile; no step is made and no file is written.
    ///
    /// - Throws: `UserError`, `CancellationError`, and errors of the context.
    public func check(_ options: BuildOptions) async throws -> DiagnosticsError {
        let store = { @Sendable in try self.store.open().store }
        var plan = try PlanOptions(options)
        plan.namedContexts = try NamedContexts(options, store: store).kinds
        let files = try await BuildFiles(options, store: store)
        let diagnostics: [Diagnostic]
        do {
            diagnostics = try findings(in: files, plan)
        } catch let error as DiagnosticsError {
            diagnostics = error.diagnostics
        }
        return DiagnosticsError(source: files.dockerfile, diagnostics: diagnostics)
    }

    private func findings(in files: BuildFiles, _ plan: PlanOptions) throws -> [Diagnostic] {
        // Looking at a Dockerfile must not make a store.
        let hasStore = FileStatus.ifPresent(store.root.appending("oci-layout")) != nil
        let images = try hasStore ? store.open() : nil
        let ignoreFile = files.context?.ignoreFile ?? .empty
        let report = try CheckReport(files.dockerfile, options: plan, ignoring: ignoreFile) { source in
            images?.find(reference: source.reference).flatMap { try? images?.content(of: $0).configuration }
        }
        let warnings = report.warnings.map(\.diagnostic) + report.otherWarnings
        return report.errors + warnings + (report.failure.map { [$0] } ?? [])
    }

    private func push(
        _ image: ListedImage,
        _ promises: LayerPromises,
        _ images: ImageStore,
        _ settings: BuildSettings
    ) async throws {
        let pusher = ImagePusher(
            .shared,
            from: images,
            sending: settings.sending,
            caches: settings.cacheDestinations.compactMap(\.repository),
            promises: promises
        ) { [events] in events(.transfer($0)) }
        for name in image.names {
            let manifest = try await pusher.push(image.image, as: name)
            events(.exported("\(name) (\(manifest.digest), \(manifest.size) bytes)"))
        }
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let path = FilePath(path)
        let directory = path.removingLastComponent()
        try FileOperations.writeAtomically(bytes, to: path, temporary: directory.isEmpty ? "." : directory)
    }
}

extension ImageOutput {
    /// Where to look for it; `nil` for standard output, where it is seen.
    fileprivate var shownDestination: String? {
        switch self {
        case .archive(_, "-"), .tar("-"): nil
        case .archive(_, let path), .layout(let path), .tar(let path), .local(let path): path.string
        }
    }
}
