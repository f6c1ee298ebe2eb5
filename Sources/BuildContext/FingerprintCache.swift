public import ContentStore
public import FileSystem
internal import Glibc
public import OCI
internal import Synchronization
internal import SystemPackage
internal import Threads

/// What is known about the contents of a context's files by their status alone, kept in the store between builds.
///
/// Safe for any number of threads and processes; of two that save at once the last one's file stays.
public final class FingerprintCache: Sendable {
    private struct Learned {
        var records: [FingerprintRecord] = []
        /// The last record of each file among the first `numbered`; the rest follows when it is asked for.
        var numbers: [FingerprintRecord.Key: Int] = [:]
        var numbered = 0
        /// Whether each record of the table was of use.
        var isUsed: [Bool]
        var needsSaving = false

        mutating func number(of key: FingerprintRecord.Key) -> Int? {
            for number in numbered..<records.count { numbers[records[number].key] = number }
            numbered = records.count
            return numbers[key]
        }
    }

    /// Records that were of no use in so many saves are dropped.
    private static let ageLimit: UInt8 = 16
    /// A table that would grow beyond this keeps only what was of use in this process.
    private static let countLimit = 1 << 21

    private let path: FilePath
    private let temporary: FilePath
    /// Whether the files will be there another time.
    private let isKept: Bool
    private let table: FingerprintTable
    private let learned: Mutex<Learned>
    private let saving = WorkerGroup()

    /// Opens the file for a context; a missing or damaged one counts as empty.
    public init(store: Store, context: ContextDirectory) {
        let name = context.path.withPlatformString { text in
            SHA256Hasher.digest(of: UnsafeBufferPointer(start: text, count: strlen(text)).map { UInt8(bitPattern: $0) })
        }
        path = store[.fingerprints].appending(name.hex)
        temporary = store[.temporary]
        isKept = !context.isTemporary
        table = FingerprintTable(path)
        learned = Mutex(Learned(isUsed: [Bool](repeating: false, count: table.count)))
    }

    /// The digest of the content, if the very same status was seen when it was read.
    public func digest(for status: FileStatus) -> Digest? { record(for: status)?.contentDigest }

    func record(for status: FileStatus) -> FingerprintRecord? {
        guard status.kind == .regular else { return nil }
        if let (number, record) = table.find(status) {
            learned.withLock { $0.isUsed[number] = true }
            return record
        }
        return learned.withLock { learned in
            guard !learned.records.isEmpty,
                let number = learned.number(of: .init(device: status.device, inode: status.inode)),
                learned.records[number].matches(status)
            else { return nil }
            return learned.records[number]
        }
    }

    /// Takes a record in, for which the caller knows that its file is settled.
    func learn(_ record: FingerprintRecord) {
        learned.withLock { learned in
            learned.needsSaving = true
            learned.records.append(record)
        }
    }

    /// Whether a change after `moment` is sure to give the file another `changed` time.
    ///
    /// The kernel takes times from a clock that moves in ticks of up to 10 ms, and some filesystems keep whole or even
    /// seconds only: content that was read in the tick of a change may change again without a trace.
    static func isSettled(_ status: FileStatus, at moment: Int64) -> Bool {
        let second: Int64 = 1_000_000_000
        let margin = status.changed % second == 0 ? 2 * second : second / 50
        let (age, overflow) = moment.subtractingReportingOverflow(status.changed)
        return !overflow && age >= margin
    }

    /// Begins to write what was learned, while the caller continues; `save()` waits for it.
    public func startSaving() {
        guard isKept, learned.withLock({ $0.needsSaving }) else { return }
        saving.start { try? self.saveNow() }
    }

    /// Writes what was learned since the file was opened; does nothing when there is nothing new.
    ///
    /// Losing it costs time only, so a caller may continue when this throws.
    public func save() throws(BuildContextError) {
        saving.join()
        try saveNow()
    }

    private func saveNow() throws(BuildContextError) {
        guard isKept else { return }
        do throws(SystemError) {
            try learned.withLock { (learned) throws(SystemError) in
                guard learned.needsSaving else { return }
                learned.needsSaving = false
                let file = try TemporaryFile(in: temporary)
                try write(&learned, to: file)
                try file.replace(path)
            }
        } catch {
            throw .system(error)
        }
    }

    private func write(_ learned: inout Learned, to file: TemporaryFile) throws(SystemError) {
        let keepsUnused = table.count + learned.records.count <= FingerprintCache.countLimit
        var kept: [Int] = []
        kept.reserveCapacity(table.count)
        for number in 0..<table.count {
            let isUsed = learned.isUsed[number]
            guard isUsed || keepsUnused, let (record, age) = table.record(number),
                learned.number(of: record.key) == nil,
                isUsed || age < FingerprintCache.ageLimit
            else { continue }
            kept.append(number)
        }
        try FingerprintTable.write(count: kept.count + learned.records.count, to: file) { position in
            guard position < kept.count, let (record, age) = table.record(kept[position]) else {
                return (learned.records[max(position - kept.count, 0)], 0)
            }
            return (record, learned.isUsed[kept[position]] ? 0 : age + 1)
        }
    }
}
