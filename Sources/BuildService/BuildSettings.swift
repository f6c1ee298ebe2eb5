internal import BuildEngine
internal import BuildPlanning
internal import Distribution
internal import Images
internal import OCI
internal import Reporting
internal import SystemPackage

/// The options of a build, all of them read: a wrong one is reported here, before a store is opened.
struct BuildSettings {
    let tags: [ImageReference]
    let labels: [(name: String, value: String)]
    let annotations: ImageAnnotations
    let format: ImageFormat
    let outputs: [ImageOutput]
    let cacheSources: [CacheLocation]
    let cacheDestinations: [CacheLocation]
    let sending: LayerSending
    let runs: RunSettings
    let plan: PlanOptions

    /// - Throws: `UserError`.
    init(_ options: BuildOptions) throws {
        tags = try options.tags.map { try UserError.reading("--tag", $0, ImageReference.init(parsing:)) }
        for tag in tags { try UserError.reading("--tag", tag, ImageStore.check(newName:)) }
        if options.pushes, tags.isEmpty {
            throw UserError("--push needs a name: give one with -t", status: .usage)
        }
        annotations = try UserError.reading("--annotation", options.annotations, ImageAnnotations.init(parsing:))
        format = options.format ?? .oci
        guard format == .oci || annotations.manifest.isEmpty else {
            throw UserError("--annotation: manifests in Docker's format have no annotations", status: .usage)
        }
        outputs = try options.outputs.map { try UserError.reading("--output", $0, ImageOutput.init(parsing:)) }
        cacheSources = try options.cacheSources.map { text in
            try UserError.reading("--cache-from", text) { try CacheLocation(parsing: $0, .from) }
        }
        cacheDestinations = try options.cacheDestinations.map { text in
            try UserError.reading("--cache-to", text) { try CacheLocation(parsing: $0, .to) }
        }
        let compression = try LayerCompression(options.compression, level: options.compressionLevel)
        sending = LayerSending(compression, isForced: options.forcesCompression)
        labels = try options.labels.map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let name = parts.first, !name.isEmpty else {
                throw UserError("--label: `\(text)` has no name", status: .usage)
            }
            return (name, parts.count == 2 ? parts[1] : "")
        }
        runs = try options.runs.settings()
        plan = try PlanOptions(options)
        try checkDestinations(options)
    }

    /// What is written last is looked at first: a build should not fail at its end.
    private func checkDestinations(_ options: BuildOptions) throws {
        for (option, path) in [("--iidfile", options.idFile), ("--metadata-file", options.metadataFile)] {
            if let path { try OutputDestination.check(FilePath(path), of: option) }
        }
        for output in outputs {
            switch output {
            case .archive(_, "-"), .tar("-"), .layout, .local: continue
            case .archive(_, let path), .tar(let path): try OutputDestination.check(path, of: "--output")
            }
        }
    }
}

extension PlanOptions {
    /// What planning needs, but for the named contexts.
    ///
    /// - Throws: `UserError`.
    init(_ options: BuildOptions) throws {
        self.init(target: options.target, buildArguments: try BuildArguments(options).values)
        targetPlatform = try Platform.wanted(options.platform) ?? targetPlatform
    }
}
