internal import FileSystem
internal import SystemPackage

/// The file of a fingerprint cache: an index of slots and the records it points to, used where they lie.
///
/// Opening it parses nothing. Whatever does not fit is treated as absent: a header, a length, a slot or a record.
/// The bytes are in the order of this machine; another order makes another magic number.
///
///     header   64 bytes: magic, version and record size, count, slots, check
///     slots    4 bytes each, a power of two of them: 0, or 1 + the number of a record
///     records  80 bytes each, in the order in which the files were last walked
struct FingerprintTable: Sendable {
    private static let magic: UInt64 = 0x6B_6300_7374_6E69_70
    private static let version: UInt64 = 1
    private static let headerSize = 64

    private let file: MappedFile?
    /// The number of records.
    let count: Int
    private let slots: Int

    static let empty = FingerprintTable(file: nil, count: 0, slots: 0)

    private init(file: MappedFile?, count: Int, slots: Int) {
        self.file = file
        self.count = count
        self.slots = slots
    }

    /// Maps a file; one that is missing or is not a whole table is an empty table.
    init(_ path: FilePath) {
        guard let file = try? MappedFile(path), file.bytes.count >= FingerprintTable.headerSize else {
            self = .empty
            return
        }
        let header = (0..<5).map { file.bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) }
        let limit = UInt64(UInt32.max)
        guard header[0] == FingerprintTable.magic, header[1] == FingerprintTable.layout,
            header[4] == FingerprintTable.check(header), header[2] < limit, header[3] < limit, header[3] > header[2],
            header[3].nonzeroBitCount == 1,
            file.bytes.count == FingerprintTable.size(count: Int(header[2]), slots: Int(header[3]))
        else {
            self = .empty
            return
        }
        self.init(file: file, count: Int(header[2]), slots: Int(header[3]))
    }

    /// The number of the record about a file with this very status, and the record.
    func find(_ status: FileStatus) -> (number: Int, record: FingerprintRecord)? {
        guard let file else { return nil }
        var slot = FingerprintTable.slot(status.device, status.inode, slots)
        for _ in 0..<slots {
            let offset = FingerprintTable.headerSize + slot * 4
            let number = Int(file.bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) - 1
            guard number >= 0, number < count else { return nil }
            let bytes = bytes(of: number, file)
            if bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self) == status.inode,
                bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self) == status.device
            {
                guard let record = FingerprintRecord(bytes), record.matches(status) else { return nil }
                return (number, record)
            }
            slot = (slot + 1) & (slots - 1)
        }
        return nil
    }

    /// A record and how many saves ago it was last used; `nil` for a damaged one.
    func record(_ number: Int) -> (record: FingerprintRecord, age: UInt8)? {
        guard let file, number < count, let record = FingerprintRecord(bytes(of: number, file)) else { return nil }
        return (record, FingerprintRecord.age(bytes(of: number, file)))
    }

    private func bytes(of number: Int, _ file: MappedFile) -> UnsafeRawBufferPointer {
        let start = FingerprintTable.headerSize + slots * 4 + number * FingerprintRecord.byteCount
        return UnsafeRawBufferPointer(rebasing: file.bytes[start..<(start + FingerprintRecord.byteCount)])
    }

    /// Writes a table; of several records about one file the last counts.
    ///
    /// - Parameter record: Gives each record, with how many saves ago it was last used.
    static func write(
        count: Int,
        to file: TemporaryFile,
        record: (Int) -> (record: FingerprintRecord, age: UInt8)
    ) throws(SystemError) {
        var slotCount = 64
        while slotCount < count * 2 { slotCount *= 2 }
        var slots = [UInt32](repeating: 0, count: slotCount)
        for number in 0..<count {
            let own = record(number).record
            var slot = slot(own.device, own.inode, slotCount)
            while slots[slot] != 0, record(Int(slots[slot]) - 1).record.key != own.key {
                slot = (slot + 1) & (slotCount - 1)
            }
            slots[slot] = UInt32(truncatingIfNeeded: number + 1)
        }
        var header = [magic, layout, UInt64(count), UInt64(slotCount), 0, 0, 0, 0]
        header[4] = check(header)
        try file.write(header.withUnsafeBytes { Array($0) })
        try file.write(slots.withUnsafeBytes { Array($0) })
        // In pieces, since new memory for a whole table takes longer than to fill it.
        var output: [UInt8] = []
        for number in 0..<count {
            let (record, age) = record(number)
            record.encode(age: age, into: &output)
            guard output.count >= 1 << 16 else { continue }
            try file.write(output)
            output.removeAll(keepingCapacity: true)
        }
        try file.write(output)
    }

    private static var layout: UInt64 { version << 32 | UInt64(FingerprintRecord.byteCount) }

    private static func size(count: Int, slots: Int) -> Int {
        headerSize + slots * 4 + count * FingerprintRecord.byteCount
    }

    private static func slot(_ device: UInt64, _ inode: UInt64, _ slots: Int) -> Int {
        Int(truncatingIfNeeded: FingerprintRecord.mix(device, inode)) & (slots - 1)
    }

    private static func check(_ header: [UInt64]) -> UInt64 {
        header[..<4].reduce(0) { FingerprintRecord.mix($0, $1) }
    }
}
