internal import ContainerRuntime
internal import FileSystem
internal import Layers
public import Snapshots
internal import SystemPackage

extension Container {
    /// In what the files of the container differ from those of its image; what is on its volumes does not count.
    ///
    /// - Throws: `LayerError`, `SystemError`.
    public func changes() throws -> [FileChange] { try writtenFiles().changes() }

    func writtenFiles() throws -> WrittenFiles {
        WrittenFiles(
            directory.appending("fs"),
            isOverlay: FileStatus.ifPresent(directory.appending("copied")) == nil,
            below: try LayerStack(record.layers, in: store.layers).view,
            mountPoints: ProcessSpecification.systemMountPoints
        )
    }
}
