import ArgumentParser
import BuildService
import Distribution
import OCI

// Each group says what is typed and, beside it, which option of the build that is. The plainest ones are read without the
// argument parser too (`BuildInvocation.init(plain:)`), which a test compares.

/// What a build and a check are of.
struct InputOptions: ParsableArguments {
    @Option(
        name: [.customShort("f"), .customLong("file")],
        help: ArgumentHelp("The Dockerfile; `-` for standard input.", valueName: "path")
    )
    var file: String?

    @Option(
        name: .customLong("target"),
        help: ArgumentHelp("The stage to build instead of the last one.", valueName: "stage")
    )
    var target: String?

    @Option(
        name: .customLong("build-arg"),
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A value for ARG; without `=value`, the one in the environment.", valueName: "name[=value]")
    )
    var buildArguments: [String] = []

    @Option(
        name: .customLong("platform"),
        help: ArgumentHelp("The image's platform, for example linux/arm64.", valueName: "os/arch")
    )
    var platform: String?

    func apply(to options: inout BuildOptions) {
        (options.file, options.target, options.platform) = (file, target, platform)
        options.buildArguments = buildArguments
    }
}

/// What the image is called, and what it says of itself.
struct ImageOptions: ParsableArguments {
    @Option(
        name: [.customShort("t"), .customLong("tag")],
        help: ArgumentHelp("A name for the image, `name` or `name:tag`; may repeat.", valueName: "name")
    )
    var tag: [String] = []

    @Option(
        name: .customLong("label"),
        help: ArgumentHelp("A label for the image; may repeat.", valueName: "name=value")
    )
    var labels: [String] = []

    @Option(
        name: .customLong("annotation"),
        help: ArgumentHelp("An annotation for the image's manifest; may repeat.", valueName: "[type:]name=value")
    )
    var annotations: [String] = []

    // `--format` is what the commands that take these options print.
    @Option(name: .customLong("image-format"), help: "The media types of the manifest: oci (the default) or docker.")
    var format: ImageFormat?

    @Option(
        name: [.customLong("source-date-epoch"), .customLong("timestamp")],
        help: ArgumentHelp("The latest timestamp of anything in the image.", valueName: "seconds")
    )
    var sourceDateEpoch: String?

    func apply(to options: inout BuildOptions) {
        (options.tags, options.labels, options.annotations) = (tag, labels, annotations)
        (options.format, options.sourceDateEpoch) = (format, sourceDateEpoch)
    }
}

/// What is written when the image is there.
struct ResultOptions: ParsableArguments {
    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("type=oci|docker|tar|local,dest=PATH; may repeat.", valueName: "spec")
    )
    var outputs: [String] = []

    @Option(name: .customLong("iidfile"), help: ArgumentHelp("Write the image ID to this file.", valueName: "path"))
    var idFile: String?

    @Option(
        name: .customLong("metadata-file"),
        help: ArgumentHelp(
            "Write the image's digests and names, and the outcome of each step, to this file as JSON.",
            valueName: "path"
        )
    )
    var metadataFile: String?

    @Flag(name: .customLong("push"), help: "Push the image under all its names.")
    var pushes = false

    @OptionGroup var compression: CompressionOptions

    func apply(to options: inout BuildOptions) {
        (options.outputs, options.idFile, options.metadataFile) = (outputs, idFile, metadataFile)
        options.pushes = pushes
        compression.apply(to: &options)
    }
}

/// What is taken from the cache, and what goes there.
struct CacheOptions: ParsableArguments {
    @Flag(name: .customLong("no-cache"), help: "Run every step again; the results are still cached.")
    var ignoresCache = false

    @Option(
        name: .customLong("no-cache-filter"),
        help: ArgumentHelp("Run every step of these stages again; may repeat.", valueName: "stage,stage")
    )
    var uncachedStages: [String] = []

    @Option(
        name: .customLong("cache-from"),
        help: ArgumentHelp(
            "Use results of other stores: type=registry,ref=NAME or type=local,src=DIR, with cache-mounts=true also the directories of cache mounts; may repeat.",
            valueName: "spec"
        )
    )
    var cacheSources: [String] = []

    @Option(
        name: .customLong("cache-to"),
        help: ArgumentHelp(
            "Share results: type=registry,ref=NAME or type=local,dest=DIR, with cache-mounts=true also the directories of cache mounts; may repeat.",
            valueName: "spec"
        )
    )
    var cacheDestinations: [String] = []

    @Flag(name: .customLong("explain"), help: "Show why each step that is not in the cache is not.")
    var explains = false

    @Flag(
        name: .customLong("expect-cached"),
        help: "Fail with exit code 4 at the first step that is not in the cache, before running it."
    )
    var expectsCached = false

    func apply(to options: inout BuildOptions) {
        (options.ignoresCache, options.uncachedStages) = (ignoresCache, uncachedStages)
        (options.cacheSources, options.cacheDestinations) = (cacheSources, cacheDestinations)
        (options.explains, options.expectsCached) = (explains, expectsCached)
    }
}
