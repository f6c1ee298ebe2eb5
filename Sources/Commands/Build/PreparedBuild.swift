import BuildContext
import BuildEngine
import BuildPlanning
import DockerfileSyntax
import FileSystem
import Glibc
import Images
import OCI
import Reporting
import SystemPackage

/// What a `build` command line means: everything checked and read that can be before anything is built.
struct PreparedBuild: Sendable {
    let request: BuildRequest
    let outputs: [ImageOutput]
    private let images: ImageStore

    /// - Throws: `CommandFailure`, `DiagnosticsError`.
    init(_ command: BuildOptions, _ images: ImageStore) throws {
        self.images = images
        if let nameless = command.buildArguments.first(where: { $0.isEmpty || $0.hasPrefix("=") }) {
            throw CommandFailure("--build-arg: `\(nameless)` has no name", status: ExitStatus.usage)
        }
        let tags = try command.tags.map { try PreparedBuild.usage("--tag", $0, ImageReference.init(parsing:)) }
        if let digested = tags.first(where: { $0.digest != nil }) {
            throw CommandFailure(
                "--tag \(digested.familiar): a digest cannot be given as a name",
                status: ExitStatus.usage
            )
        }
        outputs = try command.outputs.map { try PreparedBuild.usage("--output", $0, ImageOutput.init(parsing:)) }
        var options = PlanOptions(
            target: command.target,
            buildArguments: PreparedBuild.arguments(command.buildArguments)
        )
        if let platform = command.platform {
            options.targetPlatform = try PreparedBuild.usage("--platform", platform, Platform.init(parsing:))
        }
        let namedContexts = try NamedContexts(command.buildContexts)
        options.namedContexts = namedContexts.kinds
        let files = try BuildFiles(context: command.context, dockerfile: command.file)
        var request = BuildRequest(
            dockerfile: try Dockerfile(parsing: files.dockerfile),
            context: files.context,
            options: options,
            jobs: command.jobs ?? 4
        )
        request.namedContexts = namedContexts.openers
        request.tags = tags
        request.labels = try PreparedBuild.labels(command.labels)
        request.usesCache = !command.ignoresCache
        request.runs = try command.runs.settings()
        request.sourceDateEpoch = try PreparedBuild.sourceDateEpoch(options.buildArguments)
        self.request = request
    }

    /// Builds, stores the image and gives it its names.
    func execute(_ builder: Builder) async throws -> StoredImage {
        let (images, tags) = (images, request.tags)
        let id = try await builder.build(request) { image in
            try images.add(configuration: image.configuration, layers: image.layers, names: tags).id
        }
        guard let stored = images.image(id: id) else {
            throw CommandFailure("image \(id) was removed right after it was built")
        }
        return stored
    }

    static func usage<Value>(_ option: String, _ text: String, _ parse: (String) throws -> Value) throws
        -> Value
    {
        do {
            return try parse(text)
        } catch {
            throw CommandFailure("\(option): \(error)", status: ExitStatus.usage)
        }
    }

    /// `NAME` alone takes the value of the environment, and means nothing where it has none.
    private static func arguments(_ texts: [String]) -> [String: String] {
        var result: [String: String] = [:]
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if let value = parts.count == 2 ? parts[1] : environment(parts[0]) { result[parts[0]] = value }
        }
        return result
    }

    private static func labels(_ texts: [String]) throws -> [(name: String, value: String)] {
        try texts.map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let name = parts.first, !name.isEmpty else {
                throw CommandFailure("--label: `\(text)` has no name", status: ExitStatus.usage)
            }
            return (name, parts.count == 2 ? parts[1] : "")
        }
    }

    private static func sourceDateEpoch(_ arguments: [String: String]) throws -> Int64? {
        guard let text = arguments["SOURCE_DATE_EPOCH"] ?? environment("SOURCE_DATE_EPOCH"), !text.isEmpty else {
            return nil
        }
        // Up to the year 9999, so that no arithmetic on it can overflow.
        guard let seconds = Int64(text), (0...253_402_300_799).contains(seconds) else {
            throw CommandFailure(
                "SOURCE_DATE_EPOCH: `\(text)` is no number of seconds since 1970",
                status: ExitStatus.usage
            )
        }
        return seconds
    }
}
