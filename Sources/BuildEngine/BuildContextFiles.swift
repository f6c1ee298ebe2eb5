import BuildContext
import ContentStore

/// The build context with what is remembered about its files, shared by all stages of a build.
struct BuildContextFiles: Sendable {
    let directory: ContextDirectory
    let fingerprints: FingerprintCache

    init(_ directory: ContextDirectory, in store: Store) {
        self.directory = directory
        fingerprints = FingerprintCache(store: store, context: directory)
    }
}
