internal import ContentStore
internal import FileSystem
internal import Glibc
internal import Layers
public import SystemPackage
public import Tar

extension ContainerFiles {
    /// Writes files of this machine below a directory, which is made where there is none, as directories on the way are.
    ///
    /// They belong to root. What has gone away meanwhile is left out.
    ///
    /// - Parameter files: Each with its path below the directory.
    /// - Throws: `FileCopyError`, `LayerError`, `SystemError`.
    public func write(_ files: [(source: FilePath, path: PathInRoot)], below directory: String) throws {
        let temporary = try TemporaryFile(in: container.store.layers.store[.temporary])
        let tar = TarWriter(sink: DescriptorSink(descriptor: temporary.descriptor, path: temporary.path))
        let place = try? location(directory, followingLast: true)
        let isThere = place?.isDirectory ?? false
        let prefix = isThere ? PathInRoot.root : PathInRoot(directory)
        for file in files {
            do {
                let copy = try FileCopy(file.source.string, of: nil, followsLink: false, keepsOwners: false)
                try copy.write(to: tar, as: prefix.joining(file.path.bytes))
            } catch FileCopyError.notFound {
                continue
            } catch let error as SystemError where error.errno == .noSuchFileOrDirectory {
                continue
            }
        }
        try tar.finish()
        lseek(temporary.descriptor, 0, SEEK_SET)
        let target = isThere ? try place?.openDirectory() ?? root : root
        try ArchiveUnpacker(existing: target.descriptor, root: FilePath(isThere ? directory : "/"))
            .unpack(try ArchiveReader(descriptor: temporary.descriptor, name: "what is copied"))
    }
}
