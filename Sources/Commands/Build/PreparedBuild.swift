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
    let annotations: ImageAnnotations
    private let images: ImageStore

    /// - Throws: `CommandFailure`, `DiagnosticsError`.
    init(_ command: BuildOptions, _ images: ImageStore) throws {
        self.images = images
        let tags = try command.tags.map { try PreparedBuild.usage("--tag", $0, ImageReference.init(parsing:)) }
        if let digested = tags.first(where: { $0.digest != nil }) {
            throw CommandFailure(
                "--tag \(digested.familiar): a digest cannot be given as a name",
                status: ExitStatus.usage
            )
        }
        annotations = try PreparedBuild.usage("--annotation", command.annotations, ImageAnnotations.init(parsing:))
        outputs = try command.outputs.map { try PreparedBuild.usage("--output", $0, ImageOutput.init(parsing:)) }
        var options = PlanOptions(
            target: command.target,
            buildArguments: try BuildArguments(command).values
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
        request.uncachedStages = command.uncachedStages.flatMap { $0.split(separator: ",").map(String.init) }
        self.request = request
    }

    /// Builds, stores the image and gives it its names.
    func execute(_ builder: Builder) async throws -> StoredImage {
        let (images, tags, annotations) = (images, request.tags, annotations.manifest)
        let id = try await builder.build(request) { image in
            try images.add(
                configuration: image.configuration,
                layers: image.layers,
                annotations: annotations,
                names: tags
            ).id
        }
        guard let stored = images.image(id: id) else {
            throw CommandFailure("image \(id) was removed right after it was built")
        }
        return stored
    }

    private static func usage<Text, Value>(_ option: String, _ text: Text, _ parse: (Text) throws -> Value) throws
        -> Value
    {
        do {
            return try parse(text)
        } catch {
            throw CommandFailure("\(option): \(error)", status: ExitStatus.usage)
        }
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
