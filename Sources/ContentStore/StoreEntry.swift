public import FileSystem
public import SystemPackage

/// A file or directory of the store that may go by itself, such as one step's result or one unpacked layer.
public struct StoreEntry: Sendable {
    public let bucket: Store.Bucket
    public let name: [UInt8]
    public let path: FilePath
    /// When it was made, or last used where its users say so; nanoseconds since 1970.
    public var lastUsed: Int64
    /// The bytes on the disk that its removal frees.
    public let size: Int64
}

extension Store {
    /// Everything in a directory of the store, by name.
    public func entries(of bucket: Bucket) throws(SystemError) -> [StoreEntry] {
        var result: [StoreEntry] = []
        for name in try FileOperations.names(in: self[bucket]) {
            let path = self[bucket].appending(bytes: name)
            guard let status = FileStatus.ifPresent(path) else { continue }
            result.append(
                StoreEntry(
                    bucket: bucket,
                    name: name,
                    path: path,
                    lastUsed: status.modified,
                    size: DiskUsage.of(path).freed
                )
            )
        }
        return result
    }

    /// Removes a directory of the store, of which no half is ever seen: it is moved away first.
    public func discard(_ directory: FilePath) throws(SystemError) {
        let aside = try TemporaryDirectory(in: self[.temporary])
        try FileOperations.rename(directory, to: aside.path.appending("removed"))
    }

    /// Removes something, unless its user has locked it.
    ///
    /// - Returns: Whether it was removed.
    public func remove(_ entry: StoreEntry) throws(SystemError) -> Bool {
        let kind = FileStatus.ifPresent(entry.path)?.kind
        guard kind == .directory || kind == .regular else {
            try FileOperations.removeTree(entry.path)
            return true
        }
        guard let lock = try FileLock.tryAcquire(entry.path, .exclusive) else { return false }
        defer { withExtendedLifetime(lock) {} }
        try FileOperations.removeTree(entry.path)
        return true
    }
}
