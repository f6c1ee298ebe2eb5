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
        let files = try BuildFiles(context: command.context, dockerfile: command.file)
        var request = BuildRequest(
            dockerfile: try Dockerfile(parsing: files.dockerfile),
            context: files.context,
            options: options,
            jobs: command.jobs ?? 4
        )
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

/// The Dockerfile's text and the context directory of a build.
private struct BuildFiles {
    let dockerfile: SourceText
    let context: ContextDirectory?

    init(context: String, dockerfile: String?) throws {
        let directory = context == "-" ? nil : try BuildFiles.open(context)
        if directory == nil, let dockerfile, dockerfile != "-" {
            throw CommandFailure("a build context from standard input is not supported yet: name a directory")
        }
        if dockerfile == "-" || directory == nil {
            let bytes = try FileOperations.read(descriptor: STDIN_FILENO, path: "standard input", limit: 64 << 20)
            guard directory != nil || !bytes.prefix(512).contains(0) else {
                throw CommandFailure(
                    "standard input is no Dockerfile; an archive as build context is not supported yet"
                )
            }
            self.dockerfile = SourceText(name: "-", bytes: bytes)
            self.context = try directory.map { try BuildFiles.ignoring($0, dockerfile: nil) }
            return
        }
        let path = dockerfile.map { FilePath($0) } ?? BuildFiles.defaultDockerfile(FilePath(context))
        do {
            self.dockerfile = SourceText(name: path.string, bytes: try FileOperations.read(path, limit: 64 << 20))
        } catch {
            throw CommandFailure(
                "cannot read the Dockerfile `\(path)`: \(error.errno.sentence)",
                hints: ["`-f PATH` names another one"]
            )
        }
        self.context = try directory.map { try BuildFiles.ignoring($0, dockerfile: path) }
    }

    private static func open(_ path: String) throws -> ContextDirectory {
        if path.contains("://") || path.hasPrefix("git@") {
            throw CommandFailure("a build context from `\(path)` is not supported yet: name a directory")
        }
        do {
            return try ContextDirectory(FilePath(path))
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    private static func defaultDockerfile(_ context: FilePath) -> FilePath {
        let usual = context.appending("Dockerfile").lexicallyNormalized()
        let other = context.appending("dockerfile").lexicallyNormalized()
        return FileStatus.ifPresent(usual) == nil && FileStatus.ifPresent(other) != nil ? other : usual
    }

    /// `NAME.dockerignore` beside the Dockerfile goes before `.dockerignore` in the context.
    private static func ignoring(_ context: ContextDirectory, dockerfile: FilePath?) throws -> ContextDirectory {
        var candidates = [(path: context.path.appending(".dockerignore"), name: ".dockerignore")]
        if let dockerfile, let last = dockerfile.lastComponent {
            let own = dockerfile.removingLastComponent().appending(last.string + ".dockerignore")
            candidates.insert((own, own.string), at: 0)
        }
        for candidate in candidates where FileStatus.ifPresent(candidate.path) != nil {
            do {
                let bytes = try FileOperations.read(candidate.path, limit: 64 << 20)
                return context.ignoring(try IgnoreFile(parsing: bytes, name: candidate.name))
            } catch {
                throw CommandFailure("\(error)")
            }
        }
        return context
    }
}
