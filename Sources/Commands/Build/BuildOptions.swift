import BuildEngine
import FileSystem
import Glibc
import Images
import OCI
import Reporting
import SystemPackage

/// What `swiftbuild build` is told to do.
struct BuildOptions: Sendable, Equatable {
    enum Progress: String, CaseIterable, Sendable {
        case auto, plain, tty, json
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
    var progress: Progress?
    var outputs: [String] = []
    var idFile: String?
    var metadataFile: String?
    var sourceDateEpoch: String?
    var ignoresCache = false
    var uncachedStages: [String] = []
    var isQuiet = false
    var runs = RunOptions()
    /// Options that were given and mean nothing here, of which the user is told.
    var withoutEffect: [String] = []
    /// Whether nothing is built, and how what the checks find is shown.
    var check: CheckFormat?
}

extension BuildOptions {
    /// Builds, names and writes the image as the options say.
    func build() async throws {
        if let check { return try printChecks(check) }
        let images = try GlobalOptions.images(root: root)
        let prepared = try PreparedBuild(self, images)
        let renderer = renderer()
        let builder = Builder(layers: images.layers, images: LocalImages(images: images)) { renderer.show($0) }
        if !withoutEffect.isEmpty {
            let names = withoutEffect.joined(separator: ", ")
            renderer.show(.note("no effect: \(names); the processes of a build are not limited in memory and time"))
        }
        do {
            let stored = try await Signals.cancelling { try await prepared.execute(builder) }
            renderer.show(.built(id: "\(stored.id)"))
            for name in prepared.request.tags { renderer.show(.tagged(name.familiar)) }
            let listed = ListedImage(
                image: stored,
                names: prepared.request.tags,
                annotations: prepared.annotations.descriptor
            )
            for output in prepared.outputs {
                try images.write(listed, to: output)
                if let destination = output.shownDestination { renderer.show(.exported(destination)) }
            }
            renderer.finish()
            if let idFile { try write(Array("\(stored.id)".utf8), to: idFile) }
            if let metadataFile { try write(try BuildMetadata(listed).json, to: metadataFile) }
            if isQuiet { Terminal.print("\(stored.id)") }
        } catch {
            renderer.finish()
            throw CommandFailure(error)
        }
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let path = FilePath(path)
        let directory = path.removingLastComponent()
        try FileOperations.writeAtomically(bytes, to: path, temporary: directory.isEmpty ? "." : directory)
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
