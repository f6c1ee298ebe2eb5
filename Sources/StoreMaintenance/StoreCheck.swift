internal import BuildCache
internal import BuildRecords
internal import ContentStore
internal import FileSystem
internal import Images
internal import Layers
internal import OCI
internal import Snapshots
internal import SystemPackage

/// Whether what the store holds is whole.
///
/// Only what is unusable is reported, not what a running build is about to make or prune to remove.
struct StoreCheck {
    private let images: ImageStore
    private let isRepairing: Bool
    private var store: Store { images.store }

    /// - Parameter isRepairing: Whether all content is read, and what is damaged removed where it can be made again.
    init(_ images: ImageStore, repairing isRepairing: Bool) {
        self.images = images
        self.isRepairing = isRepairing
    }

    /// Waits for builds that run, where it repairs.
    func findings() throws -> [DoctorFinding] {
        let lock = try store.lock(isRepairing ? .exclusive : .shared)
        defer { withExtendedLifetime(lock) {} }
        var findings: [DoctorFinding] = []
        func tell(_ count: Int, _ what: String, done: String = "removed") {
            if count > 0 { findings.append(finding("\(count) \(what)", done)) }
        }
        // Before anything that could be found by them is judged, or goes.
        let lostNames = try images.lostNames(restoring: isRepairing)
        tell(lostNames, "names of images that are only in index.json", done: "restored")
        tell(try strangeEntries(), "entries that do not belong to the store")
        if isRepairing { tell(try take(.blobs) { !isBlob($0) }, "damaged blobs") }
        tell(try take(.layers) { !isIndex($0) }, "damaged indexes of layers")
        tell(
            try take(.erofs) { entry in !(digest(entry).map { ErofsFile.isWhole(entry.path, of: $0) } ?? false) },
            "damaged EROFS images of layers"
        )
        let records = try take(.images) { entry in digest(entry).flatMap { images.image(id: $0) } == nil }
        tell(records, "damaged records of images")
        tell(try take(.names) { !images.isName($0) }, "damaged names of images")
        tell(try damagedRecords(), "damaged records, and records of layers that were removed")
        if isRepairing {
            tell(try take(.sources) { !isSource($0) }, "repositories that Git could not read")
            tell(try SnapshotStore(images.layers).prune(), "unpacked layers (unpacked again when needed)")
        }
        // Nobody could pull or build these again by a name.
        let lost = try images.list().filter { $0.names.isEmpty && damage($0) != nil }.map {
            Array($0.image.id.hex.utf8)
        }
        tell(try take(.images) { lost.contains($0.name) }, "incomplete images without a name")
        if !images.isLayoutIndexWhole { findings.append(finding("a damaged index.json", "replaced")) }
        if isRepairing { try images.rebuildIndex() }
        findings += try images.list().filter { !$0.names.isEmpty }.compactMap(damage)
        return findings.isEmpty
            ? [DoctorFinding(.ok, "store", isRepairing ? "all content matches its digest" : "in order")] : findings
    }

    private func finding(_ words: String, _ done: String) -> DoctorFinding {
        isRepairing
            ? DoctorFinding(.note, "store", "\(done) \(words)")
            : DoctorFinding(.warning, "store", "found \(words)", hint: "`swiftbuild doctor --repair` fixes this")
    }

    /// Counts what is damaged, and removes it.
    private func take(_ bucket: Store.Bucket, where isDamaged: (StoreEntry) -> Bool) throws -> Int {
        let damaged = try store.entries(of: bucket).filter { entry in
            // What went since the directory was read was in order.
            isDamaged(entry) && FileStatus.ifPresent(entry.path) != nil
        }
        for entry in damaged where isRepairing { _ = try store.remove(entry) }
        return damaged.count
    }

    /// What stands in the place of a file or a directory and is something else.
    private func strangeEntries() throws -> Int {
        try Store.Bucket.allCases.reduce(0) { count, bucket in
            count + (try take(bucket) { !bucket.holds(FileStatus.ifPresent($0.path)?.kind, named: $0.name) })
        }
    }

    private func damagedRecords() throws -> Int {
        let (cache, builds) = (StepCache(store), BuildRecordStore(store))
        let results = try take(.cache) { entry in
            guard let record = digest(entry).flatMap({ cache.record(ofKey: $0) }) else { return true }
            return record.layer.map { store.blobs.size($0.diffID) == nil } ?? false
        }
        return try results
            + take(.builds) { entry in
                BuildRecord.ID(parsing: String(decoding: entry.name, as: UTF8.self)).flatMap { builds.record($0) }
                    == nil
            }
    }

    /// Whether it is no Git repository, or has what makes one (gitrepository-layout(5)).
    private func isSource(_ entry: StoreEntry) -> Bool {
        let kinds: [(String, FileStatus.Kind)] = [("HEAD", .regular), ("objects", .directory), ("refs", .directory)]
        return FileStatus.ifPresent(entry.path)?.kind != .directory
            || kinds.allSatisfy { FileStatus.ifPresent(entry.path.appending($0.0))?.kind == $0.1 }
    }

    private func digest(_ entry: StoreEntry) -> Digest? { Digest(hex: String(decoding: entry.name, as: UTF8.self)) }

    private func isBlob(_ entry: StoreEntry) -> Bool { digest(entry).map { store.blobs.verify($0) } ?? false }

    private func isIndex(_ entry: StoreEntry) -> Bool {
        LayerIndex(path: entry.path).map { Array($0.diffID.hex.utf8) == entry.name } ?? false
    }

    /// What is wrong with an image.
    private func damage(_ listed: ListedImage) -> DoctorFinding? {
        let name = listed.names.first?.familiar ?? "\(listed.image.id.short)"
        do {
            // What an image has elsewhere is not missing.
            _ =
                try listed.image.isComplete
                ? images.wholeContent(of: listed.image) : images.content(of: listed.image)
            return nil
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

extension Store.Bucket {
    /// Whether there may be something of a kind in the directory.
    fileprivate func holds(_ kind: FileStatus.Kind?, named name: [UInt8]) -> Bool {
        switch self {
        case .blobs, .names, .images, .layers, .erofs, .claims, .compressed, .cache, .builds, .fingerprints, .locks:
            kind == .regular
        case .logs, .containers, .volumes, .snapshots, .mounts: kind == .directory
        // Beside them is what an ordinary user's processes have in common.
        case .networks: kind == (name.elementsEqual("namespace".utf8) ? .regular : .directory)
        // What was downloaded has a record, what is of Git a repository.
        case .sources: kind == (name.starts(with: Array("git-".utf8)) ? .directory : .regular)
        case .temporary: true
        }
    }
}
