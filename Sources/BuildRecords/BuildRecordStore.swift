public import BuildCache
public import ContentStore
public import FileSystem
public import OCI
internal import SystemPackage

/// The records of the latest builds, one small file for each.
public struct BuildRecordStore: Sendable {
    /// How many builds are remembered; the files of this many take a few megabytes at most.
    public static let limit = 200

    private let store: Store
    private let cache: StepCache

    public init(_ store: Store) {
        self.store = store
        cache = StepCache(store)
    }

    private func path(_ id: BuildRecord.ID) -> FilePath { store[.builds].appending(id.description) }

    /// The builds that are remembered, latest first; a damaged record is as good as none.
    public var records: some Sequence<BuildRecord> { ids.lazy.compactMap { record($0) } }

    /// When they began, latest first.
    public var ids: [BuildRecord.ID] {
        let names = (try? FileOperations.names(in: store[.builds])) ?? []
        return names.compactMap { BuildRecord.ID(parsing: String(decoding: $0, as: UTF8.self)) }.reversed()
    }

    /// The record of a build; `nil` when there is none or it is damaged.
    public func record(_ id: BuildRecord.ID) -> BuildRecord? {
        guard let bytes = try? FileOperations.readRegular(path(id), limit: 64 << 20) else { return nil }
        return BuildRecord(decoding: bytes, id: id)
    }

    /// The latest build that a text means: `last`, the ID of a build, or the name or ID of the image that it gave.
    public func record(matching text: String) -> BuildRecord? {
        if text == "last" { return records.first { _ in true } }
        if let id = BuildRecord.ID(parsing: text), let record = record(id) { return record }
        let prefix = text.hasPrefix("sha256:") ? text.dropFirst("sha256:".count) : text[...]
        let isID = prefix.utf8.count >= 4 && prefix.utf8.count <= 64 && prefix.allSatisfy(\.isHexDigit)
        let name = (try? ImageReference(parsing: text))?.description
        return records.first { record in
            isID && record.image?.hex.hasPrefix(prefix) ?? false || name.map(record.tags.contains) ?? false
        }
    }

    /// What the key of a step was made of, in its order; `nil` where the record was removed.
    public func inputs(of step: BuildRecord.Step) -> [NamedInput]? {
        guard step.inputs.isEmpty else { return step.inputs }
        return step.key.flatMap { cache.record(ofKey: $0)?.key.inputs }
    }

    /// Keeps a record, and drops the oldest ones where there are too many.
    ///
    /// The latest build again, with everything cached both times, leaves no second record: nothing that it could tell is
    /// new, and a build in which nothing changed writes nothing. Only the time of the first one's file says, at most once an
    /// hour, that its results were used again.
    public func save(_ record: BuildRecord) throws(SystemError) {
        let latest = ids.first
        if record.isAllCached, let before = latest.flatMap({ self.record($0) }), before.says(theSameAs: record) {
            let file = path(before.id)
            if let status = FileStatus.ifPresent(file), status.modified < record.id.nanoseconds - 3_600_000_000_000 {
                FileOperations.touch(file)
            }
            return
        }
        try FileOperations.writeAtomically(record.encoded(), to: path(record.id), temporary: store[.temporary])
        // Several at once, so that not every build has one to remove.
        let ids = ids
        guard ids.count > BuildRecordStore.limit + 32 else { return }
        for id in ids[BuildRecordStore.limit...] {
            try FileOperations.remove(path(id))
            StepLogStore(store).remove(id)
        }
    }

    /// When a build last used or made each result of a step, by key, in nanoseconds since 1970.
    public var lastUses: [Digest: Int64] {
        var result: [Digest: Int64] = [:]
        for record in records {
            let time = max(record.id.nanoseconds, FileStatus.ifPresent(path(record.id))?.modified ?? 0)
            for step in record.stages.flatMap(\.steps) where step.result == .cached || step.result == .ran {
                if let key = step.key { result[key] = max(result[key] ?? 0, time) }
            }
        }
        return result
    }
}
