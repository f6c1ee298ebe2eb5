import CommandSupport
package import Containers
import ContentStore
package import Distribution
import FileSystem
import Glibc
package import Images
import Layers
import OCI
import Reporting
import SystemPackage
import TerminalUI

/// A container that `run` or `create` makes: its image is found or pulled first.
package struct NewContainer: Sendable {
    package var flags: ContainerFlags
    /// What the user calls the image.
    package let image: String
    package var command: [String]
    /// What replaces the image's ENTRYPOINT and takes its CMD away; unlike `--entrypoint`, it may have several words.
    package var entrypoint: [String]?
    /// What replaces the test of the image's HEALTHCHECK; unlike `--health-cmd`, it may do without a shell.
    package var healthTest: [String]?
    /// Beside those of the flags.
    package var mounts: [MountOption] = []
    /// Such as secrets.
    package var files: [ContainerFile] = []
    /// Beside those of the flags.
    package var annotations: [String: String] = [:]

    package init(_ flags: ContainerFlags, image: String, command: [String]) {
        (self.flags, self.image, self.command) = (flags, image, command)
    }

    /// Finds the image, pulled where the store has none of that name, and creates the container.
    ///
    /// - Throws: `UserError`, `ContainerStoreError`, `ContainerError`, errors of the registry.
    func create(in global: GlobalOptions) async throws -> Container {
        try flags.check()
        let images = try global.store.open()
        let new = self
        let (found, mounts) = try await Signals.cancelling {
            (try await new.resolved(new.image, in: images), try await new.resolvedMounts(in: images))
        }
        return try create(of: found, mounts, in: images)
    }

    /// Creates the container of an image that was found.
    ///
    /// - Throws: As `create(in:)`.
    package func create(of found: ResolvedImage, in images: ImageStore) async throws -> Container {
        try create(of: found, try await resolvedMounts(in: images), in: images)
    }

    private func create(of found: ResolvedImage, _ mounts: [MountOption], in images: ImageStore) throws -> Container {
        let environment = try flags.process.variables()
        let layers = found.layers
        // Only while it is created: a container that runs for days must not hold up prune.
        let lock = try images.store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        let container = try ContainerCreation(
            flags: flags,
            image: image,
            command: command,
            mounts: mounts,
            files: files,
            annotations: annotations,
            environment: environment,
            imageID: found.id,
            configuration: configuration(of: found),
            layers: layers,
            store: images.layers
        ).create()
        if let path = flags.general.idFile {
            try FileOperations.writeAtomically(
                Array("\(container.id)".utf8),
                to: FilePath(path),
                temporary: FilePath(".")
            )
        }
        return container
    }

    /// All mounts, with the layers of the images among them, which are pulled as the container's own is.
    private func resolvedMounts(in images: ImageStore) async throws -> [MountOption] {
        var mounts = try flags.general.mounts.map(MountOption.init(parsing:)) + mounts
        for (index, mount) in mounts.enumerated() where mount.kind == .image {
            mounts[index].layers = try await resolved(mount.source ?? "", in: images).layers
        }
        return mounts
    }

    /// An image, pulled where the store has none of that name.
    private func resolved(_ name: String, in images: ImageStore) async throws -> ResolvedImage {
        let platform = try Platform.wanted(flags.general.platform)
        let progress = TransferProgress(isQuiet: flags.general.isQuiet)
        defer { progress.finish() }
        let resolver = ImageResolver(images, pull: flags.general.pull) { progress.show($0) }
        return try await resolver.image(named: name, platform: platform)
    }

    private func configuration(of found: ResolvedImage) -> ImageConfiguration {
        var configuration = found.configuration
        if let entrypoint {
            configuration.config.entrypoint = entrypoint.isEmpty ? nil : entrypoint
            configuration.config.cmd = nil
        }
        if let healthTest {
            var check = configuration.config.healthcheck ?? .init(test: nil)
            check.test = healthTest
            configuration.config.healthcheck = check
        }
        return configuration
    }
}
