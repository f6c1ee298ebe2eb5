internal import FileSystem
public import OCI
internal import Synchronization
internal import Threads

/// Everything about a selection that counts for the cache: first what the walk saw and earlier builds read, then all.
///
/// Counted: names relative to the copied roots, kinds, permissions, sizes, link targets, device numbers, extended
/// attributes and contents. Not counted: times, owners, and where the roots lie, but for the names of copied files.
public struct ContentFingerprint: Sendable {
    /// A regular file whose content is not known.
    public struct File: Sendable, Hashable {
        /// The position of its listing.
        public let listing: Int
        /// Which file of the listing it is.
        public let entry: ContextListing.Reference

        public init(listing: Int, entry: ContextListing.Reference) {
            self.listing = listing
            self.entry = entry
        }
    }

    /// The listings as they were given, with the content digest and the attributes of every file that is known.
    public private(set) var listings: [ContextListing]
    /// The files that must be read.
    public private(set) var unknown: [File] = []
    /// A file that was another when it was read than when it was walked; what was done in between may be of the first.
    public private(set) var changed: File?
    public let context: ContextDirectory
    private let cache: FingerprintCache

    /// Looks up which files the cache knows; reads nothing.
    ///
    /// The listings are filled in where they are, so a caller that keeps no copy of its own saves one.
    public init(of listings: consuming [ContextListing], in context: ContextDirectory, cache: FingerprintCache) {
        self.listings = listings
        self.context = context
        self.cache = cache
        for position in self.listings.indices {
            // Taken out and put back, so that it is filled in where it is.
            var listing = self.listings[position]
            self.listings[position] = ContextListing(root: listing.root, directories: [])
            listing.knowFiles { entry, status in
                if let record = cache.record(for: status), !record.hasExtendedAttributes { return record.contentDigest }
                unknown.append(File(listing: position, entry: entry))
                return nil
            }
            self.listings[position] = listing
        }
    }

    /// Reads the files that are not known.
    ///
    /// What was read is in the cache afterwards, for the caller to save.
    ///
    /// - Throws: `BuildContextError.changedWhileRead`, or `.system` where a file cannot be read.
    public mutating func readUnknown() throws(BuildContextError) {
        let unlearned = unknown.filter { listings[$0.listing].digest(of: $0.entry) == nil }
        learn(try Reading(unlearned, of: listings, in: context).run())
        unknown = []
    }

    /// Takes in what was read of some of the files that were not known; `readUnknown` then leaves them out.
    public mutating func learn(_ contents: [(File, FileContent)]) {
        for (file, content) in contents { learn(content, of: file) }
    }

    private mutating func learn(_ content: FileContent, of file: File) {
        if content.status != listings[file.listing].status(of: file.entry) { changed = file }
        listings[file.listing].know(content, of: file.entry)
        guard content.isSettled else { return }
        cache.learn(
            FingerprintRecord(
                content.status,
                contentDigest: content.digest,
                hasExtendedAttributes: !content.extendedAttributes.isEmpty
            )
        )
    }

    /// Equal for selections that copy equally; every file must be known.
    public var digest: Digest {
        var encoder = FingerprintEncoder()
        for listing in listings { encoder.append(listing) }
        return encoder.finish()
    }
}

/// The reading of many files on two threads.
private final class Reading: Sendable {
    private struct Outcome {
        var contents: [(ContentFingerprint.File, FileContent)] = []
        var failure: (index: Int, error: BuildContextError)?
    }

    private static let threads = 2
    /// How many files a thread takes at a time.
    private static let batch = 16

    private let files: [ContentFingerprint.File]
    private let listings: [ContextListing]
    private let context: ContextDirectory
    private let next = Atomic<Int>(0)
    private let outcome = Mutex(Outcome())

    init(_ files: [ContentFingerprint.File], of listings: [ContextListing], in context: ContextDirectory) {
        self.files = files
        self.listings = listings
        self.context = context
    }

    func run() throws(BuildContextError) -> [(ContentFingerprint.File, FileContent)] {
        if files.isEmpty { return [] }
        // Waking a second thread costs more than a few small files.
        if files.count == 1 || (files.count < 64 && bytes < 1 << 18) {
            work()
        } else {
            WorkerGroup.forEach(below: Reading.threads) { _ in work() }
        }
        let outcome = outcome.withLock { $0 }
        if let failure = outcome.failure { throw failure.error }
        return outcome.contents
    }

    private var bytes: Int64 {
        files.reduce(0) { sum, file in
            sum.addingReportingOverflow(listings[file.listing].status(of: file.entry).size).partialValue
        }
    }

    private func work() {
        var reader = ContentReader(context: context)
        var contents: [(ContentFingerprint.File, FileContent)] = []
        while true {
            let first = next.wrappingAdd(Reading.batch, ordering: .relaxed).oldValue
            guard first < files.count else { break }
            for index in first..<min(first + Reading.batch, files.count) {
                do {
                    contents.append(
                        (files[index], try reader.read(files[index].entry, of: listings[files[index].listing]))
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
        next.store(files.count, ordering: .relaxed)
        outcome.withLock { outcome in
            if let failure = outcome.failure, failure.index < index { return }
            outcome.failure = (index, error)
        }
    }
}
