import ArgumentParser
import BuildService
import CommandSupport
import Distribution
import OCI
import Reporting
import TerminalUI

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
    @OptionGroup var image: ImageOptions
    @OptionGroup var results: ResultOptions
    @OptionGroup var cache: CacheOptions

    @Option(
        name: .customLong("build-arg-file"),
        help: ArgumentHelp("A file with one `name=value` for --build-arg per line; may repeat.", valueName: "path")
    )
    var buildArgumentFiles: [String] = []

    @Option(
        name: .customLong("build-context"),
        help: ArgumentHelp("Use this for a base, stage or --from of that name; may repeat.", valueName: "name=value")
    )
    var buildContexts: [String] = []

    @Option(name: .customLong("jobs"), help: ArgumentHelp("How many steps may run at once.", valueName: "n"))
    var jobs: Int?

    @Option(name: .customLong("progress"), help: "How to show the build.")
    var progress: ProgressMode?

    @Option(
        name: .customLong("pull"),
        help: ArgumentHelp(
            "When to pull base images: missing (the default), always (as --pull alone), never.",
            valueName: "when"
        )
    )
    var pull: PullPolicy = .missing

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Print only the image ID.")
    var isQuiet = false

    @Option(
        name: .customLong("on-error"),
        help: "What to do when a RUN fails: fail (the default), or open a shell on its files, as `debug-shell` does."
    )
    var onError: BuildInvocation.OnError?

    @Flag(name: .customLong("check"), help: "Check the Dockerfile and build nothing, as `swiftbuild check` does.")
    var onlyChecks = false

    @Option(
        name: .customLong("call"),
        help: ArgumentHelp("What to do instead of building: check, or check,format=json.", valueName: "method")
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
        image.apply(to: &options)
        results.apply(to: &options)
        cache.apply(to: &options)
        runs.apply(to: &options.runs)
        (options.buildArgumentFiles, options.buildContexts) = (buildArgumentFiles, buildContexts)
        (options.jobs, options.pull) = (jobs, pull)
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

extension BuildInvocation.OnError: ExpressibleByArgument {}
