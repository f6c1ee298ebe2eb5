public import ArgumentParser
import BuildEngine
import BuildService
import CommandSupport
import Distribution
import Images
public import OCI
import Registry
import Reporting
import TerminalUI

extension ImageFormat: ExpressibleByArgument {}

/// How layers are compressed for a registry.
struct CompressionOptions: ParsableArguments {
    @Option(
        name: .customLong("compression"),
        help: ArgumentHelp(
            "gzip, zstd, estargz, zstd:chunked or uncompressed; by default, pulled layers stay as they are.",
            valueName: "how"
        )
    )
    var compression = "gzip"

    @Option(name: .customLong("compression-level"), help: "1 to 9 for gzip and estargz, 1 to 19 for zstd.")
    var level: Int?

    @Flag(name: .customLong("force-compression"), help: "Compress pulled layers anew that came in another form.")
    var isForced = false

    /// - Throws: `UserError` with the status for wrong use.
    func resolved() throws -> LayerSending {
        LayerSending(try LayerCompression(compression, level: level), isForced: isForced)
    }

    func apply(to options: inout BuildOptions) {
        (options.compression, options.compressionLevel, options.forcesCompression) = (compression, level, isForced)
    }
}

/// How images are compressed and written for a registry.
struct PushOptions: ParsableArguments {
    @OptionGroup var compression: CompressionOptions

    @Option(name: .customLong("format"), help: "The media types of the manifest (default: those that the image has).")
    var format: ImageFormat?
}

/// `swiftbuild push`.
struct PushCommand: Command {
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

    @Flag(name: [.customShort("a"), .customLong("all-tags")], help: "Push all tags of a repository.")
    var takesAllTags = false

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Print nothing but the name.")
    var isQuiet = false

    @Argument(help: "Names of images.")
    var names: [String]

    func run() async throws -> ExitStatus {
        let images = try global.store.openExisting()
        var names = names
        if takesAllTags {
            try PushOptions.checkRepositories(names)
            let repositories = try names.map { try ImageReference(parsing: $0).familiarRepository }
            names = try repositories.flatMap { repository in
                let rows = ImageRow.rows(try images.list(), try images.indexes())
                    .filter { $0.repository == repository && $0.tag != "<none>" }
                guard !rows.isEmpty else { throw ImageError.notFound(repository, similar: []) }
                return rows.map { "\(repository):\($0.tag)" }.sorted()
            }
        }
        try await options.push(names, from: images, isQuiet: isQuiet)
        return .success
    }
}

extension PushOptions {
    /// Refuses names with tags or digests where all tags are meant.
    static func checkRepositories(_ names: [String]) throws {
        for name in names {
            let reference = try ImageReference(parsing: name)
            guard reference.digest == nil, !(name.split(separator: "/").last ?? "").contains(":") else {
                throw UserError(
                    "--all-tags: `\(name)` names one image, not a repository",
                    status: .usage
                )
            }
        }
    }

    /// Pushes images, and indexes with their images, one after the other.
    ///
    /// - Parameter onlyIndexes: Whether the name of an image is refused.
    func push(_ names: [String], from images: ImageStore, isQuiet: Bool, onlyIndexes: Bool = false) async throws {
        let references = try names.map { try ImageReference(parsing: $0) }
        if let reference = references.first(where: { $0.digest != nil }) {
            throw UserError(
                "`\(reference.familiar)` names a digest: an image is pushed under a tag",
                status: .usage
            )
        }
        let progress = TransferProgress(isQuiet: isQuiet)
        let pusher = ImagePusher(
            .shared,
            from: images,
            sending: try compression.resolved(),
            format: format
        ) { progress.show($0) }
        defer { progress.finish() }
        for reference in references {
            let sent = try await Signals.cancelling { try await pusher.push(reference, onlyIndexes: onlyIndexes) }
            progress.finish()
            let line = "\(reference.tag ?? "latest"): digest: \(sent.digest) size: \(sent.size)"
            Terminal.print(isQuiet ? "\(reference)" : line)
        }
    }
}
