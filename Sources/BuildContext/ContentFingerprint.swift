internal import Dispatch
internal import FileSystem
public import OCI
internal import Synchronization

/// The digest of everything about a selection that counts for the cache, and the digests of its files.
///
/// Counted: names relative to the copied roots, kinds, permissions, sizes, link targets, device numbers, extended
/// attributes and contents. Not counted: times, owners, and where the roots lie, but for the names of copied files.
public struct ContentFingerprint: Sendable {
    /// Equal for selections that copy equally.
    public let digest: Digest
    /// The listings as they were given, with the content digest and the attributes of every file.
    public let listings: [ContextListing]

    /// Finds the digests of all files, reading those that the cache does not know.
    ///
    /// What was read is in the cache afterwards, for the caller to save. The listings are filled in where they are,
    /// so a caller that keeps no copy of its own saves one.
    ///
    /// - Throws: `BuildContextError.changedWhileRead`, or `.system` where a file cannot be read.
    public init(
        of listings: consuming [ContextListing],
        in context: ContextDirectory,
        cache: FingerprintCache
    ) throws(BuildContextError) {
        var listings = listings
        var misses: [Miss] = []
        var missedBytes: Int64 = 0
        for listing in listings.indices {
            listings[listing].entries.withContiguousMutableStorageIfAvailable { entries in
                for entry in entries.indices where entries[entry].status.kind == .regular {
                    if let record = cache.record(for: entries[entry].status), !record.hasExtendedAttributes {
                        entries[entry].contentDigest = record.contentDigest
                    } else {
                        misses.append(Miss(listing: listing, entry: entry))
                        missedBytes = missedBytes.addingReportingOverflow(entries[entry].status.size).partialValue
                    }
                }
            }
        }
        let contents = try Reading(misses, of: listings, in: context).run(bytes: missedBytes)
        for (miss, content) in contents {
            listings[miss.listing].entries[miss.entry].contentDigest = content.digest
            listings[miss.listing].entries[miss.entry].status = content.status
            listings[miss.listing].entries[miss.entry].extendedAttributes = content.extendedAttributes
            guard content.isSettled else { continue }
            cache.learn(
                FingerprintRecord(
                    content.status,
                    contentDigest: content.digest,
                    hasExtendedAttributes: !content.extendedAttributes.isEmpty
                )
            )
        }
        self.listings = listings
        var encoder = FingerprintEncoder()
        for listing in listings { encoder.append(listing) }
        digest = encoder.finish()
    }
}

/// A file that must be read.
private struct Miss: Sendable {
    let listing: Int
    let entry: Int
}

/// The reading of many files on two threads.
private final class Reading: Sendable {
    private struct Outcome {
        var contents: [(Miss, ContentReader.Content)] = []
        var failure: (index: Int, error: BuildContextError)?
    }

    private static let threads = 2
    /// How many files a thread takes at a time.
    private static let batch = 16

    private let misses: [Miss]
    private let listings: [ContextListing]
    private let context: ContextDirectory
    private let next = Atomic<Int>(0)
    private let outcome = Mutex(Outcome())

    init(_ misses: [Miss], of listings: [ContextListing], in context: ContextDirectory) {
        self.misses = misses
        self.listings = listings
        self.context = context
    }

    func run(bytes: Int64) throws(BuildContextError) -> [(Miss, ContentReader.Content)] {
        if misses.isEmpty { return [] }
        // Waking a second thread costs more than a few small files.
        if misses.count == 1 || (misses.count < 64 && bytes < 1 << 18) {
            work()
        } else {
            DispatchQueue.concurrentPerform(iterations: Reading.threads) { _ in work() }
        }
        let outcome = outcome.withLock { $0 }
        if let failure = outcome.failure { throw failure.error }
        return outcome.contents
    }

    private func work() {
        var reader = ContentReader(context: context)
        var contents: [(Miss, ContentReader.Content)] = []
        while true {
            let first = next.wrappingAdd(Reading.batch, ordering: .relaxed).oldValue
            guard first < misses.count else { break }
            for index in first..<min(first + Reading.batch, misses.count) {
                let listing = listings[misses[index].listing]
                let entry = listing.entries[misses[index].entry]
                do {
                    contents.append(
                        (misses[index], try reader.read(listing.contextPath(of: entry), status: entry.status))
                    )
                } catch {
                    fail(index, error)
                    return
                }
            }
        }
        outcome.withLock { $0.contents += contents }
    }

    /// Keeps the first file's error, and leaves nothing to do for the other thread.
    private func fail(_ index: Int, _ error: BuildContextError) {
        next.store(misses.count, ordering: .relaxed)
        outcome.withLock { outcome in
            if let failure = outcome.failure, failure.index < index { return }
            outcome.failure = (index, error)
        }
    }
}
