import ContainerNetworks
import ContainerRuntime
import Containers
import FileSystem
import Reporting
import SystemPackage

extension ContainerFlags {
    /// Refuses what is wrong whatever the image is, before one is pulled for it.
    ///
    /// The rest is checked by `ContainerCreation`, before anything is made.
    ///
    /// - Throws: `UserError`, `NetworkError`, `ContainerError`, `ContainerStoreError`, `SystemError` of a file that is named.
    func check() throws {
        if let path = general.idFile, FileStatus.ifPresent(FilePath(path)) != nil {
            throw UserError("--cidfile: `\(path)` exists already; it may belong to another container")
        }
        if let name = general.name { _ = try ContainerName(name) }
        _ = try process.variables()
        _ = try ContainerCreation.labels(general.labels, files: general.labelFiles)
        for text in network.published { _ = try PublishedPort.parse(text) }
        for text in network.exposed { _ = try ExposedPort.parse(text) }
        for text in network.hosts { _ = try UserError.reading("--add-host", text, ExtraHost.init(parsing:)) }
        for text in general.mounts { _ = try MountOption(parsing: text) }
        if let restart = general.restart { _ = try RestartPolicy(parsing: restart) }
    }
}
