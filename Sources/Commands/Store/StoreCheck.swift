import BuildCache
import ContentStore
import FileSystem
import Images
import Layers
import OCI
import Snapshots

/// Whether what the store holds is whole.
struct StoreCheck {
    private let images: ImageStore
    private var store: Store { images.store }

    init(_ images: ImageStore) {
        self.images = images
    }

    /// - Parameter repairing: Whether all content is read, and what is damaged removed where it can be made again.
    ///   Waits for builds that run.
    func findings(repairing: Bool) throws -> [DoctorFinding] {
        let lock = try store.lock(repairing ? .exclusive : .shared)
        defer { withExtendedLifetime(lock) {} }
        var findings: [DoctorFinding] = []
        func tell(_ count: Int, _ what: String) {
            guard count > 0 else { return }
            let words = "\(count) \(what)"
            findings.append(
                repairing
                    ? DoctorFinding(.note, "store", "removed \(words)")
                    : DoctorFinding(
                        .warning,
                        "store",
                        "found \(words)",
                        hint: "`swiftbuild doctor --repair` removes them"
                    )
            )
        }
        if repairing { tell(try removeDamagedBlobs(), "damaged blobs") }
        tell(try take(.layers, repairing) { !isIndex($0) }, "damaged indexes of layers")
        let records = try take(.images, repairing) { entry in
            Digest(hex: String(decoding: entry.name, as: UTF8.self)).flatMap { images.image(id: $0) } == nil
        }
        if records > 0, repairing { try images.rebuildIndex() }
        tell(records, "damaged records of images")
        let selection = try PruneSelection(PruneLimits(), images).entries
        for entry in selection where repairing { _ = try store.remove(entry) }
        tell(selection.count, "records that are damaged, or of layers that are gone")
        if repairing { tell(try SnapshotStore(images.layers).prune(), "unpacked layers, which are unpacked again") }
        // Nobody could pull or build these again by a name.
        let lost = try images.list().filter { $0.names.isEmpty && finding($0) != nil }.map {
            Array($0.image.id.hex.utf8)
        }
        tell(
            try take(.images, repairing) { lost.contains($0.name) },
            "images without a name of which something is missing"
        )
        findings += try images.list().filter { !$0.names.isEmpty }.compactMap(finding)
        return findings.isEmpty
            ? [DoctorFinding(.ok, "store", repairing ? "all content is what its digest says" : "in order")] : findings
    }

    private func removeDamagedBlobs() throws -> Int {
        try take(.blobs, true) { entry in
            Digest(hex: String(decoding: entry.name, as: UTF8.self)).map { !store.blobs.verify($0) } ?? true
        }
    }

    /// Counts what is damaged, and removes it.
    private func take(_ bucket: Store.Bucket, _ removes: Bool, where isDamaged: (StoreEntry) -> Bool) throws -> Int {
        let damaged = try store.entries(of: bucket).filter(isDamaged)
        for entry in damaged where removes { _ = try store.remove(entry) }
        return damaged.count
    }

    private func isIndex(_ entry: StoreEntry) -> Bool {
        LayerIndex(path: entry.path).map { Array($0.diffID.hex.utf8) == entry.name } ?? false
    }

    /// What is wrong with an image.
    private func finding(_ listed: ListedImage) -> DoctorFinding? {
        let name = listed.names.first?.familiar ?? "\(listed.image.id.short)"
        do {
            let layers = try images.content(of: listed.image).layers
            guard let missing = layers.first(where: { !images.layers.isAvailable($0) }) else { return nil }
            throw LayerError.missing(missing.diffID)
        } catch {
            return DoctorFinding(
                .warning,
                "image",
                "`\(name)` cannot be used: \(error)",
                hint: "pull or build it again"
            )
        }
    }
}
