public import ArgumentParser
import BuildEngine
import Distribution
import Images
public import OCI
import Registry

extension ImageFormat: ExpressibleByArgument {}

/// How layers are compressed for a registry.
struct CompressionOptions: ParsableArguments {
    @Option(
        name: .customLong("compression"),
        help: ArgumentHelp("gzip, zstd or uncompressed; what was pulled stays as it came.", valueName: "how")
    )
    var compression = "gzip"

    @Option(name: .customLong("compression-level"), help: "1 to 9 for gzip, 1 to 19 for zstd.")
    var level: Int?

    func resolved() throws -> LayerCompression {
        guard let compression = LayerCompression(compression, level: level) else {
            throw CommandFailure(
                "there is no compression `\(compression)`\(level.map { " of level \($0)" } ?? "")",
                hints: ["gzip with levels 1 to 9, zstd with levels 1 to 19, or uncompressed"],
                status: ExitStatus.usage
            )
        }
        return compression
    }
}

/// How images are compressed and written for a registry.
struct PushOptions: ParsableArguments {
    @OptionGroup var compression: CompressionOptions

    @Option(name: .customLong("format"), help: "The media types of the manifest (default: those that the image has).")
    var format: ImageFormat?
}

/// `swiftbuild push`.
struct PushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Send images to registries.",
        discussion: """
            EXAMPLES:
              swiftbuild push registry.example.com/team/app:1.2
              swiftbuild push --compression zstd registry.example.com/team/app
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var options: PushOptions

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Print nothing but the name.")
    var isQuiet = false

    @Argument(help: "Names of images.")
    var names: [String]

    func run() async throws {
        try await options.push(names, from: try global.images(), isQuiet: isQuiet)
    }
}

extension PushOptions {
    /// Pushes images, and indexes with their images, one after the other.
    ///
    /// - Parameter onlyIndexes: Whether the name of an image is refused.
    func push(_ names: [String], from images: ImageStore, isQuiet: Bool, onlyIndexes: Bool = false) async throws {
        let references = try names.map { try ImageReference(parsing: $0) }
        if let reference = references.first(where: { $0.digest != nil }) {
            throw CommandFailure(
                "`\(reference.familiar)` names a digest: an image is pushed under a tag",
                status: ExitStatus.usage
            )
        }
        let progress = TransferProgress(isQuiet: isQuiet)
        let pusher = ImagePusher(
            .shared,
            from: images,
            compression: try compression.resolved(),
            format: format
        ) { progress.show($0) }
        for (name, reference) in zip(names, references) {
            let index = images.index(named: reference)
            let image = index == nil && !onlyIndexes && !reference.hasFormOfID ? images.find(reference: reference) : nil
            do {
                let sent = try await Signals.cancelling {
                    if let index { return try await pusher.push(index, as: reference) }
                    if let image { return try await pusher.push(image, as: reference) }
                    throw ImageError.notFound(name, similar: [])
                }
                progress.finish()
                let line = "\(reference.tag ?? "latest"): digest: \(sent.digest) size: \(sent.size)"
                Terminal.print(isQuiet ? "\(reference)" : line)
            } catch {
                progress.finish()
                throw CommandFailure(registry: error)
            }
        }
    }
}
