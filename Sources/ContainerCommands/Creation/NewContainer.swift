import CommandSupport
import Containers
import ContentStore
import Distribution
import FileSystem
import Glibc
import Images
import Layers
import OCI
import Reporting
import SystemPackage
import TerminalUI

/// A container that `run` or `create` makes: its image is found or pulled first.
struct NewContainer {
    let flags: ContainerFlags
    let image: String
    let command: [String]

    /// - Throws: `UserError`, `ContainerStoreError`, `ContainerError`, errors of the registry.
    func create(in global: GlobalOptions) async throws -> Container {
        if let path = flags.idFile, FileStatus.ifPresent(FilePath(path)) != nil {
            throw UserError("--cidfile: `\(path)` exists already; it may belong to another container")
        }
        let environment = try flags.process.variables()
        let images = try global.store.open()
        let found = try await resolved(in: images)
        let layers = try await found.layers()
        // Only while it is created: a container that runs for days must not hold up prune.
        let lock = try images.store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        let container = try ContainerCreation(
            flags: flags,
            image: image,
            command: command,
            environment: environment,
            imageID: found.id,
            configuration: found.configuration,
            layers: layers,
            store: images.layers
        ).create()
        if let path = flags.idFile {
            try FileOperations.writeAtomically(
                Array("\(container.id)".utf8),
                to: FilePath(path),
                temporary: FilePath(".")
            )
        }
        return container
    }

    /// The image, pulled where the store has none of that name.
    private func resolved(in images: ImageStore) async throws -> ResolvedImage {
        let (platform, name) = (try Platform.wanted(flags.platform), image)
        let progress = TransferProgress(isQuiet: flags.isQuiet)
        defer { progress.finish() }
        let resolver = ImageResolver(images, pull: flags.pull) { progress.show($0) }
        return try await Signals.cancelling { try await resolver.image(named: name, platform: platform) }
    }
}
