public import BuildContext
import FileSystem
public import Layers
import Synchronization
import Tar
import Threads

/// Puts the planned entries of a layer together: threads read files into parts of the tar, and the calling one takes
/// the parts in order, to hash and write them.
///
/// Any idle thread makes the next part, the calling one too, so that the work continues where no other thread is
/// available. A file longer than a part goes through several, one after the other.
// Every part belongs to one thread at a time: `free` and `ready` hand it over. The rest is guarded by `lock`.
public final class LayerAssembly: @unchecked Sendable {
    private final class Part: @unchecked Sendable {
        let layer = LayerPart(capacity: LayerAssembly.partSize + LayerAssembly.partSize / 8)
        var contents: [(ContentFingerprint.File, FileContent)] = []
        var failure: (any Error)?
        let ready = Semaphore()
    }

    /// What a thread has to itself.
    private struct Maker: ~Copyable {
        var opener: ContextFileOpener?
        var earlier: EarlierLayer.Reader?
    }

    /// What is put into a part.
    private enum Piece {
        /// With the place of its content in the earlier layer, if that has it.
        case item(CopyItem, earlier: Range<Int64>?)
        /// Items that the earlier layer has just so.
        case unchanged(LayerSlice)

        var earlierContent: Range<Int64>? {
            if case .item(_, let earlier) = self { earlier } else { nil }
        }
    }

    private enum Turn {
        case made
        case noSpace
        case end(parts: Int)
    }

    private static let partSize = 1 << 20
    private static let partCount = 6
    /// Entries in a part at most, so that threads get their shares of many small files.
    private static let entryLimit = 384
    /// Parts that the calling thread makes before it wakes others: most steps copy little.
    private static let aloneCount = 2

    private let listings: [ContextListing]
    private let context: ContextDirectory?
    private let earlier: EarlierLayer?
    private let parts = (0..<LayerAssembly.partCount).map { _ in Part() }
    private let free = Semaphore(LayerAssembly.partCount)
    private let helpers = WorkerGroup()

    private let lock = Mutex(())
    private var items: LayerPlan.Iterator
    private var comparison: LayerComparison?
    /// What did not fit into the part before.
    private var postponed: (Piece, length: Int)?
    /// The file that the next part continues.
    private var unfinished: OpenContent?
    private var claimed = 0
    private var isOver = false

    /// - Parameters:
    ///   - fingerprint: What items of a context refer to.
    ///   - earlier: A layer that may have some of the contents.
    public init(_ plan: LayerPlan, _ fingerprint: ContentFingerprint? = nil, _ earlier: EarlierLayer? = nil) {
        items = plan.makeIterator()
        listings = fingerprint?.listings ?? []
        context = fingerprint?.context
        self.earlier = earlier
        comparison = earlier?.comparison
    }

    /// Writes all entries.
    ///
    /// - Parameter learn: Told what was read of files whose content was not known.
    /// - Throws: `ChangedWhileCopied`, `LayerError`, `BuildContextError`, `SystemError`.
    public func write(to writer: LayerWriter, learn: ([(ContentFingerprint.File, FileContent)]) -> Void = { _ in })
        throws
    {
        defer { endHelpers() }
        var maker = maker()
        var taken = 0
        var made = 0
        while true {
            let part = parts[taken % parts.count]
            if !part.ready.tryWait() {
                switch make(&maker, waits: false) {
                case .made:
                    made += 1
                    if made == LayerAssembly.aloneCount { startHelpers() }
                    continue
                case .end(let parts) where parts == taken:
                    return
                case .noSpace, .end:
                    part.ready.wait()
                }
            }
            taken += 1
            if let failure = part.failure { throw failure }
            try writer.append(part.layer)
            learn(part.contents)
            free.signal()
        }
    }

    private func maker() -> Maker {
        Maker(opener: context.map { ContextFileOpener($0) }, earlier: earlier.map { EarlierLayer.Reader($0) })
    }

    private func startHelpers() {
        for _ in 1..<min(WorkerGroup.processorCount, 4) {
            helpers.start {
                var maker = self.maker()
                while case .made = self.make(&maker, waits: true) {}
            }
        }
    }

    private func endHelpers() {
        lock.withLock { _ in isOver = true }
        for _ in parts { free.signal() }
        helpers.join()
    }

    /// Makes the next part, if there is one and there is room for it.
    private func make(_ maker: inout Maker, waits: Bool) -> Turn {
        if waits { free.wait() } else if !free.tryWait() { return .noSpace }
        switch lock.withLock({ _ in claim(&maker) }) {
        case .end(let parts):
            free.signal()
            return .end(parts: parts)
        case .filled(let part):
            part.ready.signal()
        case .batch(let pieces, let part):
            do {
                maker.earlier?.prepare(pieces.lazy.compactMap(\.earlierContent))
                for piece in pieces {
                    switch piece {
                    // Without a limit: headers may be longer than was reckoned with.
                    case .item(let item, let earlier): _ = try append(item, earlier, to: part, limit: .max, &maker)
                    case .unchanged(let slice): try earlier?.copy(slice, to: part.layer)
                    }
                }
            } catch {
                part.failure = error
            }
            part.ready.signal()
        }
        return .made
    }

    private enum Claim {
        case end(parts: Int)
        /// A piece of a large file, read already, since only one thread at a time can continue it.
        case filled(Part)
        case batch([Piece], Part)
    }

    /// What goes into the next part, and about how long it gets: a single file where that is more than a part may have.
    private func batch() -> (pieces: [Piece], size: Int) {
        var batch: [Piece] = []
        var slice: LayerSlice?
        var size = 0
        while !isOver, unfinished == nil, batch.count < LayerAssembly.entryLimit,
            let (piece, length) = postponed.take() ?? next()
        {
            guard batch.isEmpty && slice == nil || size + length <= LayerAssembly.partSize else {
                postponed = (piece, length)
                break
            }
            size += length
            if case .unchanged(let members) = piece, slice?.append(members) ?? false { continue }
            if let ended = slice.take() { batch.append(.unchanged(ended)) }
            if case .unchanged(let members) = piece { slice = members } else { batch.append(piece) }
        }
        if let slice { batch.append(.unchanged(slice)) }
        return (batch, size)
    }

    private func next() -> (Piece, length: Int)? {
        guard let item = items.next() else { return nil }
        let size = item.entry.size
        // A header is one block, or three with records.
        let length = Int(min(size, 1 << 40)) + 2048
        switch comparison?.find(item.entry) {
        // Of several names of a file the first one has the content, whatever the earlier layer's first one was.
        case .member(let slice) where item.identity == nil && slice.bytes.count <= LayerAssembly.partSize:
            return (.unchanged(slice), slice.bytes.count)
        case .content(let offset):
            return (.item(item, earlier: offset..<offset + size), length)
        case .member, nil:
            return (.item(item, earlier: nil), length)
        }
    }

    private func claim(_ maker: inout Maker) -> Claim {
        let part = parts[claimed % parts.count]
        let (batch, size) = batch()
        if isOver || (batch.isEmpty && unfinished == nil) { return .end(parts: claimed) }
        claimed += 1
        part.layer.removeAll()
        part.contents.removeAll(keepingCapacity: true)
        guard size > LayerAssembly.partSize || batch.isEmpty else { return .batch(batch, part) }
        do {
            if let open = unfinished {
                if try append(open, to: part, limit: LayerAssembly.partSize) { unfinished = nil }
            } else if case .item(let item, let earlier) = batch[0] {
                // It may be needed longer than what was read for a batch.
                maker.earlier?.prepare([])
                unfinished = try append(item, earlier, to: part, limit: LayerAssembly.partSize, &maker)
            }
        } catch {
            part.failure = error
            unfinished = nil
            isOver = true
        }
        return .filled(part)
    }

    /// Appends an item; what is left of it where the part would become longer than the limit.
    private func append(
        _ item: CopyItem,
        _ earlier: Range<Int64>?,
        to part: Part,
        limit: Int,
        _ maker: inout Maker
    ) throws -> OpenContent? {
        let open =
            try earlier.flatMap { maker.earlier?.content(of: item, at: $0) }
            ?? OpenContent(item, listings, &maker.opener)
        return try append(open, to: part, limit: limit) ? nil : open
    }

    private func append(_ open: OpenContent, to part: Part, limit: Int) throws -> Bool {
        try open.append(to: part.layer, limit: limit) { part.contents.append(($0, $1)) }
    }
}
