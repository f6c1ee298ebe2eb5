import ArgumentParser
import BuildCache
import BuildRecords
import ContentStore
import FileSystem
import Images
import OCI
import RemoteSources
import Snapshots

/// `swiftbuild prune`.
struct PruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove images without names, and content that nothing needs.",
        discussion: """
            Results of build steps stay, so that the next build is as fast as before; with --all they go too, and so do
            unpacked layers, what was fetched from elsewhere, the directories of RUN --mount=type=cache and the records
            of builds. Running builds are waited for.
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(
        name: [.customShort("a"), .customLong("all")],
        help: "Also remove the build cache, cache mounts, fetched sources and unpacked layers."
    )
    var removesCache = false

    @Flag(name: [.customShort("f"), .customLong("force")], help: .hidden)
    var isForced = false

    func run() throws {
        let images = try global.images()
        let store = images.store
        let cache = StepCache(store)
        let kept = removesCache ? [] : try cache.layers()
        let result = try images.prune(danglingImages: true, keeping: kept)
        for id in result.images { Terminal.print("Deleted: \(id)") }
        // Builds that began meanwhile find records of layers that are gone, which they take for misses.
        let lock = try store.lock(.exclusive)
        defer { withExtendedLifetime(lock) {} }
        var freed = result.reclaimedBytes
        freed += try cache.prune { layer in
            removesCache ? false : layer.map { store.blobs.size($0) != nil } ?? true
        }
        freed += try BuildRecordStore(store).prune(all: removesCache)
        if removesCache {
            freed += try SnapshotStore(images.layers).prune() + CacheDirectoryStore(images.layers).prune()
            freed += try RemoteSources(store).prune()
        }
        Terminal.print("Total reclaimed space: \(HumanReadable.size(freed))")
    }
}
