import LayerWriting
import Layers
import OCI
import Tar

/// The entries that a layer will have, in its order, with the digests of their contents.
struct PlannedFiles: Sequence, IteratorProtocol {
    private var items: LayerPlan.Iterator
    /// Of files that may have further names.
    private var digests: [PathInRoot: Digest] = [:]

    init(_ plan: LayerPlan) { items = plan.makeIterator() }

    mutating func next() -> LayerEntry? {
        guard let item = items.next() else { return nil }
        var entry = item.entry
        if entry.kind == .hardLink {
            entry.contentDigest = digests[PathInRoot(entry.linkTarget)]
        } else if item.identity != nil {
            digests[entry.path] = entry.contentDigest
        }
        return entry
    }
}
