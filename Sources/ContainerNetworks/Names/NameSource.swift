internal import FileSystem
internal import SystemPackage

/// The names for one container, read again when a file of networks has changed.
///
/// Used by one thread only.
final class NameSource {
    private let store: NetworkStore
    private let container: ObjectID
    private var cached: (version: [FilePath: Int64], table: NameTable)?

    init(_ store: NetworkStore, _ container: ObjectID) {
        self.store = store
        self.container = container
    }

    func table() -> NameTable {
        let (version, latest) = store.version()
        if let cached, cached.version == version { return cached.table }
        let networks = (try? store.load()) ?? []
        let table = NameTable(networks.filter { $0.endpoints.contains { $0.container == container } })
        // Another change within one tick of the filesystem's clock would not be seen.
        cached = WallClock.now - latest > 1_000_000_000 ? (version, table) : nil
        return table
    }
}
