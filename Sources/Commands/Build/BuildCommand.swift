import ArgumentParser
import BuildEngine
import FileSystem
import Glibc
import Images
import OCI
import Reporting
import SystemPackage

/// `swiftbuild build`, also without the verb: what was typed.
struct BuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Build an image from a Dockerfile and a context.",
        discussion: """
            EXAMPLES:
              swiftbuild -t app:1.0 .
              swiftbuild -f deploy/Dockerfile --target release --build-arg VERSION=2 -t app .
              swiftbuild -q . > image-id
            """
    )

    enum Progress: String, ExpressibleByArgument, CaseIterable {
        case auto, plain, tty, json
    }

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The directory that COPY and ADD take files from; `-` for none.")
    var context: String

    @Option(
        name: [.customShort("f"), .customLong("file")],
        help: ArgumentHelp("The Dockerfile; `-` for standard input.", valueName: "path")
    )
    var file: String?

    @Option(
        name: [.customShort("t"), .customLong("tag")],
        help: ArgumentHelp("A name for the image, `name` or `name:tag`; may repeat.", valueName: "name")
    )
    var tag: [String] = []

    @Option(
        name: .customLong("build-arg"),
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A value for ARG; without `=value` taken from the environment.", valueName: "name[=value]")
    )
    var buildArguments: [String] = []

    @Option(
        name: .customLong("target"),
        help: ArgumentHelp("The stage to build instead of the last one.", valueName: "stage")
    )
    var target: String?

    @Option(
        name: .customLong("label"),
        help: ArgumentHelp("A label for the image; may repeat.", valueName: "name=value")
    )
    var labels: [String] = []

    @Option(
        name: .customLong("platform"),
        help: ArgumentHelp("What the image is for, such as linux/arm64.", valueName: "os/arch")
    )
    var platform: String?

    @Option(name: .customLong("jobs"), help: ArgumentHelp("How many steps may work at once.", valueName: "n"))
    var jobs: Int?

    @Option(name: .customLong("progress"), help: "How the build is shown.")
    var progress: Progress?

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("type=oci|docker|tar|local,dest=PATH; may repeat.", valueName: "spec")
    )
    var outputs: [String] = []

    @Option(name: .customLong("iidfile"), help: ArgumentHelp("Write the image ID to this file.", valueName: "path"))
    var idFile: String?

    @Flag(name: .customLong("no-cache"), help: "Do every step again; the results are kept all the same.")
    var ignoresCache = false

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Print only the image ID.")
    var isQuiet = false

    @OptionGroup(title: "Accepted for compatibility, without effect") var compatibility: CompatibilityOptions

    func validate() throws {
        if let jobs, !(1...1024).contains(jobs) { throw ValidationError("--jobs takes a number from 1 to 1024") }
    }

    func run() async throws {
        let images = try global.images()
        let prepared = try PreparedBuild(self, images)
        let renderer = renderer()
        let builder = Builder(layers: images.layers, images: LocalImages(images: images)) { renderer.show($0) }
        do {
            let stored = try await Signals.cancelling { try await prepared.execute(builder) }
            renderer.show(.built(id: "\(stored.id)"))
            for name in prepared.request.tags { renderer.show(.tagged(name.familiar)) }
            for output in prepared.outputs {
                try images.write(ListedImage(image: stored, names: prepared.request.tags), to: output)
                if let destination = output.shownDestination { renderer.show(.exported(destination)) }
            }
            renderer.finish()
            if let idFile {
                let path = FilePath(idFile)
                try FileOperations.writeAtomically(
                    Array("\(stored.id)".utf8),
                    to: path,
                    temporary: path.removingLastComponent().isEmpty ? "." : path.removingLastComponent()
                )
            }
            if isQuiet { Terminal.print("\(stored.id)") }
        } catch {
            renderer.finish()
            throw CommandFailure(error)
        }
    }

    private func renderer() -> any ProgressRenderer {
        if isQuiet { return SilentProgress() }
        switch progress ?? environment("BUILDKIT_PROGRESS").flatMap(Progress.init(rawValue:)) ?? .auto {
        case .plain: return PlainProgress()
        case .json: return JSONProgress()
        case .tty: return TTYProgress()
        case .auto:
            return Terminal.isTerminal(STDERR_FILENO) && environment("TERM") != "dumb" ? TTYProgress() : PlainProgress()
        }
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

/// Flags of `docker build` that mean nothing without a daemon.
struct CompatibilityOptions: ParsableArguments {
    @Flag(name: .customLong("rm"), inversion: .prefixedNo, help: .hidden) var removesContainers = true
    @Flag(name: .customLong("force-rm"), help: .hidden) var forceRemovesContainers = false
    @Flag(name: .customLong("compress"), help: .hidden) var compresses = false
    @Flag(name: .customLong("load"), help: .hidden) var loads = false
    @Flag(name: .customLong("disable-content-trust"), help: .hidden) var disablesContentTrust = false
    @Option(name: .customLong("isolation"), help: .hidden) var isolation: String?
    @Option(name: .customLong("security-opt"), help: .hidden) var securityOptions: [String] = []
}
