public import ArgumentParser
import BuildService
import CommandSupport
import Distribution
import OCI
import Reporting
public import TerminalUI

/// `swiftbuild build`, also without the verb: how it is typed.
struct BuildCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Build an image from a Dockerfile and a context.",
        discussion: """
            EXAMPLES:
              swiftbuild -t app:1.0 .
              swiftbuild -f deploy/Dockerfile --target release -t app .
              swiftbuild --build-arg VERSION=2 -t app:2 .
              swiftbuild -q . > image-id
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The directory that COPY and ADD take files from; `-` for none.")
    var context: String

    @OptionGroup var inputs: InputOptions

    @Option(
        name: [.customShort("t"), .customLong("tag")],
        help: ArgumentHelp("A name for the image, `name` or `name:tag`; may repeat.", valueName: "name")
    )
    var tag: [String] = []

    @Option(
        name: .customLong("build-arg-file"),
        help: ArgumentHelp("A file with a `name=value` of --build-arg on each line; may repeat.", valueName: "path")
    )
    var buildArgumentFiles: [String] = []

    @Option(
        name: .customLong("build-context"),
        help: ArgumentHelp("Stands for a base, a stage or a --from of that name; may repeat.", valueName: "name=value")
    )
    var buildContexts: [String] = []

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

    @Option(name: .customLong("jobs"), help: ArgumentHelp("How many steps may work at once.", valueName: "n"))
    var jobs: Int?

    @Option(name: .customLong("progress"), help: "How the build is shown.")
    var progress: ProgressMode?

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
            "Write the image's digests and names, and what became of each step, to this file, as JSON.",
            valueName: "path"
        )
    )
    var metadataFile: String?

    @Option(
        name: [.customLong("source-date-epoch"), .customLong("timestamp")],
        help: ArgumentHelp("The latest time that anything in the image carries.", valueName: "seconds")
    )
    var sourceDateEpoch: String?

    @Option(
        name: .customLong("no-cache-filter"),
        help: ArgumentHelp("Do every step of these stages again; may repeat.", valueName: "stage,stage")
    )
    var uncachedStages: [String] = []

    @Option(
        name: .customLong("pull"),
        help: ArgumentHelp(
            "When base images are pulled: missing (the default), always (as --pull alone), never.",
            valueName: "when"
        )
    )
    var pull: PullPolicy = .missing

    @Option(
        name: .customLong("cache-from"),
        help: ArgumentHelp(
            "Take results of other stores: type=registry,ref=NAME or type=local,src=DIR; may repeat.",
            valueName: "spec"
        )
    )
    var cacheSources: [String] = []

    @Option(
        name: .customLong("cache-to"),
        help: ArgumentHelp(
            "Share results: type=registry,ref=NAME or type=local,dest=DIR; may repeat.",
            valueName: "spec"
        )
    )
    var cacheDestinations: [String] = []

    @Flag(name: .customLong("push"), help: "Push the image under all its names.")
    var pushes = false

    @OptionGroup var compression: CompressionOptions

    // `--format` is what the commands that take these options print.
    @Option(name: .customLong("image-format"), help: "The media types of the manifest: oci (the default) or docker.")
    var format: ImageFormat?

    @Flag(name: .customLong("no-cache"), help: "Do every step again; the results are kept all the same.")
    var ignoresCache = false

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Print only the image ID.")
    var isQuiet = false

    @Flag(name: .customLong("explain"), help: "Say of each step that is not in the cache why that is so.")
    var explains = false

    @Flag(
        name: .customLong("expect-cached"),
        help: "Fail with exit code 4 at the first step that is not in the cache, before it is made."
    )
    var expectsCached = false

    @Option(
        name: .customLong("on-error"),
        help: "Where a RUN failed: fail (the default), or open a shell on what it left, as `debug-shell` does."
    )
    var onError: BuildInvocation.OnError?

    @Flag(name: .customLong("check"), help: "Check the Dockerfile and build nothing, as `swiftbuild check` does.")
    var onlyChecks = false

    @Option(
        name: .customLong("call"),
        help: ArgumentHelp("What to do instead of building: check, also check,format=json.", valueName: "method")
    )
    var call: String?

    @OptionGroup(title: "What RUN gets") var runs: RunArguments

    @OptionGroup(title: "Accepted for compatibility, without effect") var compatibility: CompatibilityOptions

    func validate() throws {
        _ = try check
        if let jobs, !(1...1024).contains(jobs) { throw ValidationError("--jobs takes a number from 1 to 1024") }
    }

    private var check: OutputFormat? {
        get throws {
            switch call {
            case nil, "build": return onlyChecks ? .text : nil
            case "check", "lint": return .text
            case "check,format=json", "lint,format=json": return .json
            default: throw ValidationError("--call takes build, check, or check,format=json")
            }
        }
    }

    /// What was typed, without the argument parser's wrappers.
    var invocation: BuildInvocation {
        var options = BuildOptions(context: context)
        inputs.apply(to: &options)
        compression.apply(to: &options)
        runs.apply(to: &options.runs)
        (options.tags, options.labels, options.annotations) = (tag, labels, annotations)
        (options.buildArgumentFiles, options.buildContexts) = (buildArgumentFiles, buildContexts)
        (options.jobs, options.outputs, options.format) = (jobs, outputs, format)
        (options.idFile, options.metadataFile) = (idFile, metadataFile)
        (options.sourceDateEpoch, options.pull, options.pushes) = (sourceDateEpoch, pull, pushes)
        (options.cacheSources, options.cacheDestinations) = (cacheSources, cacheDestinations)
        (options.ignoresCache, options.uncachedStages) = (ignoresCache, uncachedStages)
        (options.explains, options.expectsCached) = (explains, expectsCached)
        return BuildInvocation(
            root: global.root,
            options: options,
            progress: progress,
            isQuiet: isQuiet,
            onError: onError,
            withoutEffect: compatibility.limits,
            check: (try? check) ?? nil
        )
    }

    func run() async throws -> ExitStatus { try await invocation.run() }
}

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
        help: ArgumentHelp("A value for ARG; without `=value` taken from the environment.", valueName: "name[=value]")
    )
    var buildArguments: [String] = []

    @Option(
        name: .customLong("platform"),
        help: ArgumentHelp("What the image is for, such as linux/arm64.", valueName: "os/arch")
    )
    var platform: String?

    func apply(to options: inout BuildOptions) {
        (options.file, options.target, options.platform) = (file, target, platform)
        options.buildArguments = buildArguments
    }
}

extension ProgressMode: ExpressibleByArgument {}
extension BuildInvocation.OnError: ExpressibleByArgument {}

/// Flags of `docker build` that mean nothing without a daemon.
struct CompatibilityOptions: ParsableArguments {
    @Option(name: .customLong("provenance"), help: .hidden) var provenance: String?
    @Option(name: .customLong("sbom"), help: .hidden) var billOfMaterials: String?
    @Option(name: .customLong("attest"), help: .hidden) var attestations: [String] = []
    @Option(name: .customLong("security-opt"), help: .hidden) var securityOptions: [String] = []
    @Option(name: [.customShort("m"), .customLong("memory")], help: .hidden) var memory: String?
    @Option(name: .customLong("memory-swap"), parsing: .unconditional, help: .hidden) var swap: String?
    @Option(name: [.customShort("c"), .customLong("cpu-shares")], help: .hidden) var processorShares: String?
    @Option(name: .customLong("cpu-period"), help: .hidden) var processorPeriod: String?
    @Option(name: .customLong("cpu-quota"), parsing: .unconditional, help: .hidden) var processorQuota: String?
    @Option(name: .customLong("cpuset-cpus"), help: .hidden) var processors: String?
    @Option(name: .customLong("cpuset-mems"), help: .hidden) var memoryNodes: String?
    @Option(name: .customLong("cgroup-parent"), help: .hidden) var controlGroup: String?
    @Option(name: .customLong("resource"), help: .hidden) var resources: [String] = []

    /// What does not exist here may only be switched off, as CI does.
    func validate() throws {
        let given = [("--provenance", provenance), ("--sbom", billOfMaterials)] + attestations.map { ("--attest", $0) }
        for (option, value) in given {
            guard let value, !CompatibilityOptions.isOff(value) else { continue }
            throw ValidationError("\(option): no attestations are made, so it takes only `false`, not `\(value)`")
        }
    }

    /// `false`, or `type=sbom,disabled=true`.
    private static func isOff(_ text: String) -> Bool {
        text.split(separator: ",").contains { field in
            ["0", "f", "false", "disabled", "disabled=1", "disabled=t", "disabled=true"].contains(field.lowercased())
        }
    }

    /// The options for limits that were given.
    var limits: [String] {
        let given = [
            ("--memory", memory), ("--memory-swap", swap), ("--cpu-shares", processorShares),
            ("--cpu-period", processorPeriod), ("--cpu-quota", processorQuota), ("--cpuset-cpus", processors),
            ("--cpuset-mems", memoryNodes), ("--cgroup-parent", controlGroup), ("--resource", resources.first),
        ]
        return given.compactMap { $0.1 == nil ? nil : $0.0 }
    }
}
