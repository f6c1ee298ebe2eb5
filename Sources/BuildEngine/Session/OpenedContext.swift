import BuildContext
import ContentStore
import Layers
import Tar

/// The build context with what is remembered about its files, shared by all stages of a build.
struct OpenedContext: Sendable {
    let directory: ContextDirectory
    let fingerprints: FingerprintCache
    /// Where the store lies in the context, if it is there and no line ignores it; never copied.
    private let store: [UInt8]?

    init(_ directory: ContextDirectory, in store: Store) {
        let without = directory.leavingOut(store: store.root)
        self.directory = without?.context ?? directory
        self.store = without?.store
        fingerprints = FingerprintCache(store: store, context: directory)
    }

    /// Everything that copying a root takes.
    ///
    /// - Parameter note: Told that the store lies in the root.
    func list(_ root: SelectedRoot, excluding: [IgnoreFile] = [], note: (String) -> Void) throws(BuildContextError)
        -> ContextListing
    {
        if let store, root.isDirectory, PathInRoot(store).isWithin(PathInRoot(root.resolvedPath)) {
            let path = String(decoding: store, as: UTF8.self)
            note("the store lies in the build context, as `\(path)`, and is not copied")
        }
        return try directory.list(root, excluding: excluding)
    }
}
