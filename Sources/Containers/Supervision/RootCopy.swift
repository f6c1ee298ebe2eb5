internal import ContainerRuntime
internal import ContentStore
internal import FileSystem
internal import Glibc
internal import Layers
internal import Snapshots
internal import SystemPackage
internal import Tar

extension ContainerStore {
    /// What the root filesystem of a container is opened from.
    ///
    /// Where no overlay can be mounted, or not one of so many layers, the container has all files of its image from its
    /// first start on.
    ///
    /// - Throws: `LayerError`, `SystemError`.
    func rootFilesystem(of record: ContainerRecord, _ isolation: Isolation.Kind, _ snapshots: SnapshotStore) throws
        -> RootFilesystem
    {
        let directory = directory(record.id)
        guard FileStatus.ifPresent(ContainerStore.copyMark(in: directory)) == nil else {
            return .kept(directory, layers: nil)
        }
        if isolation.mountsOverlay, try snapshots.fitOverlay(record.layers) {
            return .kept(directory, layers: record.layers)
        }
        let files = directory.appending("fs")
        try FileOperations.removeTree(files)
        try FileOperations.createRoot(files)
        let writer = try TreeWriter(root: files, whiteouts: .none)
        try LayerStack(record.layers, in: layers).walk { try writer.write($0, content: $1) }
        try writer.finish()
        try markCopied(directory)
        return .kept(directory, layers: nil)
    }

    static func copyMark(in directory: FilePath) -> FilePath { directory.appending("copied") }

    /// Says of the directory of a container that it has all files of its image.
    func markCopied(_ directory: FilePath) throws(SystemError) {
        try FileOperations.writeAtomically(
            [],
            to: ContainerStore.copyMark(in: directory),
            temporary: store[.temporary]
        )
    }
}
