internal import ContainerRuntime
internal import FileSystem
internal import Layers
public import Snapshots
internal import SystemPackage
internal import Tar

extension Container {
    /// In what the files of the container differ from those of its image; what is on its volumes does not count.
    ///
    /// - Throws: `LayerError`, `SystemError`.
    public func changes() throws -> [FileChange] { try writtenFiles().changes() }

    /// Where a running process that has no mounts sees volumes and files of the machine.
    var covered: Set<PathInRoot> {
        let files = store.changedFiles(of: id)
        return Set(
            DisplacedFiles.covered(in: directory).compactMap { path in
                var path = path
                return path.removePrefix(files) ? PathInRoot(path.string) : nil
            }
        )
    }

    func writtenFiles() throws -> WrittenFiles {
        WrittenFiles(
            directory.appending("fs"),
            isOverlay: FileStatus.ifPresent(directory.appending("copied")) == nil,
            below: try LayerStack(record.layers, in: store.layers).view,
            covered: covered,
            mountPoints: ProcessSpecification.systemMountPoints
        )
    }
}
