internal import ContentStore
internal import FileSystem
internal import Glibc
internal import SystemPackage

/// The directories and marks of a store, without which nothing else in it can be looked at.
struct StoreSkeleton {
    private let store: Store

    init(root: FilePath) { store = Store(lookingAt: root) }

    /// What has the wrong type; what is missing does not count, since it is made again.
    var damaged: [FilePath] {
        // A directory that is not a store is not to be changed.
        guard isStore else { return [] }
        let directories = Set(Store.Bucket.allCases.map { store[$0] } + [store[.blobs].removingLastComponent()])
        let wrong = directories.filter { FileStatus.ifPresent($0) != nil && !isDirectory($0) }
        let locks = ["store", "keys", "index", "index-changing"].map { store[.locks].appending($0) }
        let files = locks + [store.root.appending("index.json"), store.root.appending("oci-layout")]
        return (wrong + files.filter { FileStatus.ifPresent($0).map { $0.kind != .regular } ?? false })
            .sorted { $0.string < $1.string } + (isMarkWhole ? [] : [mark])
    }

    /// Removes what is damaged; opening the store makes it again.
    func repair() throws(SystemError) {
        for path in damaged { try FileOperations.removeTree(path) }
    }

    private var mark: FilePath { store.root.appending("oci-layout") }

    private var isStore: Bool {
        FileStatus.ifPresent(mark) != nil || Store.Bucket.allCases.filter { isDirectory(store[$0]) }.count > 3
    }

    private var isMarkWhole: Bool {
        guard FileStatus.ifPresent(mark)?.kind == .regular else { return true }
        let text = (try? FileOperations.readRegular(mark, limit: 4096)).map { String(decoding: $0, as: UTF8.self) }
        return text?.contains("imageLayoutVersion") ?? false
    }

    /// A link to a directory is one, too.
    private func isDirectory(_ path: FilePath) -> Bool {
        let directory = try? OwnedDescriptor(path, O_RDONLY | O_DIRECTORY)
        return directory != nil
    }
}
