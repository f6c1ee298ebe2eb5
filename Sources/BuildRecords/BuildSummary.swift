internal import BuildCache
public import ContentStore
internal import Formatting
internal import OCI

/// What a build did, in one line.
public struct BuildSummary {
    private var (ran, cached) = (0, 0)
    /// Nanoseconds that the steps took whose results were used, as far as their builds are remembered.
    private var saved: Int64 = 0
    /// Of the layers that were made.
    private var written: Int64 = 0

    public init(_ record: BuildRecord, in store: Store) {
        var wanted: Set<Digest> = []
        for step in record.stages.flatMap(\.steps) {
            switch step.result {
            case .ran:
                ran += 1
                written += step.layer?.tarSize ?? 0
            case .cached:
                cached += 1
                if let key = step.key { wanted.insert(key) }
            case .base, .failed, .refused, .skipped, .notRun: continue
            }
        }
        for earlier in BuildRecordStore(store).records where earlier.id < record.id {
            if wanted.isEmpty { break }
            for step in earlier.stages.flatMap(\.steps) where step.result == .ran {
                guard let key = step.key, let start = step.start, let end = step.end, wanted.remove(key) != nil else {
                    continue
                }
                saved += max(end - start, 0)
            }
        }
    }

    public var text: String {
        var parts = ["\(ran + cached) steps: \(ran) ran, \(cached) cached"]
        // Less is not worth a word.
        if saved >= 50_000_000 { parts.append("\(HumanReadable.elapsed(nanoseconds: saved)) saved") }
        if written > 0 { parts.append("\(HumanReadable.size(written)) written") }
        return parts.joined(separator: ", ")
    }
}
