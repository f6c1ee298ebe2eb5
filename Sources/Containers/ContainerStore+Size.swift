internal import FileSystem
internal import Layers
internal import SystemPackage

extension Container {
    /// How many bytes the container has written, as they take up the disk, and how many its image's files have.
    ///
    /// What is not readable counts nothing.
    public var size: (written: Int64, image: Int64) {
        let written = DiskUsage.of(directory.appending("fs")).total
        let image = record.layers.reduce(Int64(0)) { $0 + ((try? store.layers.index(of: $1).fileBytes) ?? 0) }
        return (written, image)
    }
}
