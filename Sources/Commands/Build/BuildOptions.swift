import BuildEngine
import Distribution
import FileSystem
import Glibc
import Images
import OCI
import Registry
import Reporting
import SystemPackage
import TerminalUI

/// What `swiftbuild build` is told to do.
struct BuildOptions: Sendable, Equatable {
    enum OnError: String, CaseIterable, Sendable {
        case fail, shell
    }

    var root: String?
    var context: String
    var file: String?
    var tags: [String] = []
    var buildArguments: [String] = []
    var buildArgumentFiles: [String] = []
    var buildContexts: [String] = []
    var target: String?
    var labels: [String] = []
    var annotations: [String] = []
    var platform: String?
    var jobs: Int?
    var progress: ProgressMode?
    var outputs: [String] = []
    var idFile: String?
    var metadataFile: String?
    var sourceDateEpoch: String?
    var pull = PullPolicy.missing
    var cacheSources: [String] = []
    var cacheDestinations: [String] = []
    /// Whether the image goes to the registries of its names.
    var pushes = false
    var compression = LayerCompression.usual
    var format: ImageFormat?
    var ignoresCache = false
    var uncachedStages: [String] = []
    var isQuiet = false
    /// Whether it is told why steps have no earlier result.
    var explains = false
    /// Whether each step must have one.
    var expectsCached = false
    /// What is done where a RUN failed.
    var onError: OnError?
    var runs = RunFlags()
    /// Options that were given and mean nothing here, of which the user is told.
    var withoutEffect: [String] = []
    /// Whether nothing is built, and how what the checks find is shown.
    var check: OutputFormat?
}

extension BuildOptions {
    /// Builds, names and writes the image as the options say.
    func build() async throws -> ExitStatus {
        if let check { return try await printChecks(check) }
        if pushes, tags.isEmpty {
            throw UserError("--push needs a name: give one with -t", status: .usage)
        }
        try checkDestinations()
        let images = try StoreLocation(root).open()
        let progress = isQuiet ? .quiet : progress ?? .usual
        let renderer = progress.renderer()
        if !withoutEffect.isEmpty {
            let names = withoutEffect.joined(separator: ", ")
            renderer.show(.note("ignoring \(names): build processes have no resource limits"))
        }
        do {
            let built = try await Signals.cancelling {
                try await PreparedBuild(self, images).execute { renderer.show($0) }
            }
            let id = "\(built.image.image.id)"
            renderer.show(.built(id: id))
            for name in built.image.names { renderer.show(.tagged(name.familiar)) }
            for output in built.outputs {
                try images.write(built.image, to: output)
                if let destination = output.shownDestination { renderer.show(.exported(destination)) }
            }
            if pushes { try await push(built.image, images, built.caches, renderer) }
            renderer.summarise { BuildSummary(built.record, in: images.store).text }
            renderer.finish()
            if let idFile { try write(Array(id.utf8), to: idFile) }
            if let metadataFile { try write(try BuildMetadata(built.image, built.record).json, to: metadataFile) }
            if progress == .quiet { Terminal.print(id) }
            return .success
        } catch {
            renderer.finish()
            let failure = FailureReport(error)
            renderer.fail(failure)
            if onError == .shell, case BuildError.runFailed = error {
                _ = try DebugShellCommand.open([], build: nil, images.layers)
            }
            return failure.status
        }
    }

    private func push(
        _ image: ListedImage,
        _ images: ImageStore,
        _ caches: [ImageReference],
        _ renderer: any ProgressRenderer
    ) async throws {
        let pusher = ImagePusher(.shared, from: images, compression: compression, caches: caches) {
            renderer.show(.transfer($0))
        }
        for name in image.names {
            let manifest = try await Signals.cancelling { try await pusher.push(image.image, as: name) }
            renderer.show(.exported("\(name) (\(manifest.digest), \(manifest.size) bytes)"))
        }
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let path = FilePath(path)
        let directory = path.removingLastComponent()
        try FileOperations.writeAtomically(bytes, to: path, temporary: directory.isEmpty ? "." : directory)
    }

    /// What is written last is looked at first: a build should not fail at its end.
    private func checkDestinations() throws {
        for (option, path) in [("--iidfile", idFile), ("--metadata-file", metadataFile)] {
            if let path { try OutputDestination.check(FilePath(path), of: option) }
        }
        for text in outputs {
            switch try UserError.reading("--output", text, ImageOutput.init(parsing:)) {
            case .archive(_, "-"), .tar("-"), .layout, .local: continue
            case .archive(_, let path), .tar(let path): try OutputDestination.check(path, of: "--output")
            }
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
