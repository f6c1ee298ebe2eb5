import BuildContext
import ContentStore

/// The build context with what is remembered about its files, shared by all stages of a build.
struct BuildContextFiles: Sendable {
    let directory: ContextDirectory
    let fingerprints: FingerprintCache
    /// Where the store lies in the context, if it is there and no line ignores it; never copied.
    let store: [UInt8]?

    init(_ directory: ContextDirectory, in store: Store) {
        let without = directory.leavingOut(store: store.root)
        self.directory = without?.context ?? directory
        self.store = without?.store
        fingerprints = FingerprintCache(store: store, context: directory)
    }
}
