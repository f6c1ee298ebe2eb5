internal import ContentStore
internal import FileSystem
internal import OCI
internal import Tar

/// The record format of a layer index: fixed-size records that point into one table of byte strings.
struct LayerIndexEncoder {
    /// The header, which is filled in last, and the records.
    private var records = [UInt8](repeating: 0, count: LayerIndex.headerSize)
    private var strings: [UInt8] = []
    private(set) var count = 0
    /// The bytes of all files, hard links counted once.
    private(set) var fileBytes: Int64 = 0

    private enum Flag {
        static let opaque: UInt8 = 1
        static let implied: UInt8 = 2
        static let offset: UInt8 = 4
        static let digest: UInt8 = 8
    }

    init(capacity: Int) {
        // With room for the strings, which follow in the end; memory that is not used costs nothing.
        records.reserveCapacity(LayerIndex.headerSize + capacity * (LayerIndex.recordSize + 48))
        strings.reserveCapacity(capacity * 48)
    }

    mutating func append(_ entry: LayerEntry) {
        appendString(entry.path.bytes)
        appendString(entry.linkTarget)
        var attributes: [UInt8] = []
        for attribute in entry.extendedAttributes {
            LayerIndexEncoder.append(UInt32(attribute.name.utf8.count), to: &attributes)
            LayerIndexEncoder.append(UInt32(attribute.value.count), to: &attributes)
            attributes += attribute.name.utf8
            attributes += attribute.value
        }
        appendString(attributes)
        records.append(entry.kind.rawValue)
        records.append(
            (entry.isOpaque ? Flag.opaque : 0) | (entry.isImplied ? Flag.implied : 0)
                | (entry.contentOffset != nil ? Flag.offset : 0) | (entry.contentDigest != nil ? Flag.digest : 0)
        )
        append(entry.permissions)
        append(entry.userID)
        append(entry.groupID)
        append(entry.deviceMajor)
        append(entry.deviceMinor)
        append(UInt32(0))
        append(entry.size)
        append(entry.modified)
        append(entry.contentOffset ?? 0)
        if let digest = entry.contentDigest {
            digest.append(to: &records)
        } else {
            records.append(contentsOf: repeatElement(0, count: Digest.byteCount))
        }
        count += 1
        if entry.kind == .regular { fileBytes = fileBytes.addingReportingOverflow(entry.size).partialValue }
    }

    /// Appends consecutive entries of another index, whose members lie `distance` further in this layer's tar.
    ///
    /// - Parameter slice: Entries that `isSame` was true of, whose strings lie behind each other.
    mutating func append(_ slice: LayerSlice, distance: Int64) {
        slice.index.withBytes { bytes in
            let first = LayerIndex.headerSize + slice.positions.lowerBound * LayerIndex.recordSize
            let end = first + slice.positions.count * LayerIndex.recordSize
            let place = records.count
            records.append(contentsOf: bytes[first..<end])
            let last = end - LayerIndex.recordSize
            func load(_ place: Int) -> UInt32 { bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self) }
            let start = load(first)
            let table = LayerIndex.headerSize + slice.index.count * LayerIndex.recordSize
            let stringsEnd = load(last + 16) + load(last + 20)
            let moved = UInt32(strings.count) &- start
            strings.append(contentsOf: bytes[(table + Int(start))..<(table + Int(stringsEnd))])
            records.withUnsafeMutableBytes { records in
                for record in stride(from: place, to: records.count, by: LayerIndex.recordSize) {
                    for field in [0, 8, 16] {
                        let value = records.loadUnaligned(fromByteOffset: record + field, as: UInt32.self) &+ moved
                        records.storeBytes(of: value, toByteOffset: record + field, as: UInt32.self)
                    }
                    guard records[record + 25] & Flag.offset != 0 else { continue }
                    let offset = records.loadUnaligned(fromByteOffset: record + 64, as: Int64.self) + distance
                    records.storeBytes(of: offset, toByteOffset: record + 64, as: Int64.self)
                    fileBytes =
                        fileBytes.addingReportingOverflow(
                            records.loadUnaligned(fromByteOffset: record + 48, as: Int64.self)
                        ).partialValue
                }
            }
            count += slice.positions.count
        }
    }

    /// Gives a hard link the attributes and content of its target; both were appended, in ascending order of paths.
    ///
    /// A link to something else than a directory becomes another one of its kind, since what links of these have
    /// in common, nothing can change but `chmod`. One to nothing in this layer stays as it is.
    mutating func resolveHardLink(at position: Int) {
        var target = position
        // Links to links are legal in tar; the bound ends cycles.
        for _ in 0..<16 where kind(at: target) == .hardLink {
            guard let next = self.position(ofPath: string(at: target, field: 8)) else { return }
            target = next
        }
        let found = kind(at: target)
        guard target != position, found == .regular || found.map(LayerIndexEncoder.isNode) ?? false else { return }
        let (own, other) = (place(of: position), place(of: target))
        let isFile = found == .regular
        let copied = isFile ? 16..<LayerIndex.recordSize : 8..<LayerIndex.recordSize
        for byte in copied { records[own + byte] = records[other + byte] }
        guard isFile else { return }
        // What it links to in the end, by the place of that path.
        for byte in 0..<8 { records[own + 8 + byte] = records[other + byte] }
        records[own + 24] = LayerEntry.Kind.hardLink.rawValue
    }

    private static func isNode(_ kind: LayerEntry.Kind) -> Bool {
        [.symbolicLink, .fifo, .characterDevice, .blockDevice].contains(kind)
    }

    private func kind(at position: Int) -> LayerEntry.Kind? {
        LayerEntry.Kind(rawValue: records[place(of: position) + 24])
    }

    private func place(of position: Int) -> Int { LayerIndex.headerSize + position * LayerIndex.recordSize }

    private func string(at position: Int, field: Int) -> ArraySlice<UInt8> {
        let (start, length) = records.withUnsafeBytes { bytes in
            let place = place(of: position) + field
            return (
                Int(bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)),
                Int(bytes.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self))
            )
        }
        return strings[start..<start + length]
    }

    private func position(ofPath path: ArraySlice<UInt8>) -> Int? {
        var (low, high) = (0, count)
        return path.withUnsafeBytes { wanted in
            while low < high {
                let middle = (low + high) / 2
                let order = string(at: middle, field: 0).withUnsafeBytes { found in
                    PathInRoot.isOrderedBefore(found, wanted)
                }
                if order { low = middle + 1 } else { high = middle }
            }
            return low < count && string(at: low, field: 0).elementsEqual(wanted) ? low : nil
        }
    }

    private mutating func appendString(_ bytes: [UInt8]) {
        append(UInt32(strings.count))
        append(UInt32(bytes.count))
        strings += bytes
    }

    private mutating func append(_ value: some FixedWidthInteger) {
        LayerIndexEncoder.append(value, to: &records)
    }

    private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    consuming func finish(magic: UInt64, diffID: Digest, tarSize: Int64, bootID: BootID) -> [UInt8] {
        var header: [UInt8] = []
        LayerIndexEncoder.append(magic, to: &header)
        LayerIndexEncoder.append(UInt32(count), to: &header)
        LayerIndexEncoder.append(UInt32(0), to: &header)
        LayerIndexEncoder.append(fileBytes, to: &header)
        LayerIndexEncoder.append(tarSize, to: &header)
        header += diffID.bytes
        header += bootID.bytes
        records.replaceSubrange(0..<header.count, with: header)
        records += strings
        let checksum = records.withUnsafeBytes { LayerIndex.checksum($0) }
        withUnsafeBytes(of: checksum.littleEndian) { records.replaceSubrange(88..<96, with: $0) }
        return records
    }

    /// The path bytes of one record.
    static func path(_ bytes: UnsafeRawBufferPointer, position: Int) -> UnsafeRawBufferPointer {
        string(bytes, at: LayerIndex.headerSize + position * LayerIndex.recordSize)
    }

    /// Whether one record is of a directory that the archive does not list, or of a link to a file that it does not hold.
    static func dependsOnLayersBelow(_ bytes: UnsafeRawBufferPointer, position: Int) -> Bool {
        let place = LayerIndex.headerSize + position * LayerIndex.recordSize
        let (kind, flags) = (bytes[place + 24], bytes[place + 25])
        return flags & Flag.implied != 0 || (kind == LayerEntry.Kind.hardLink.rawValue && flags & Flag.digest == 0)
    }

    /// The content of a regular file, where it lies in the tar.
    static func content(
        _ bytes: UnsafeRawBufferPointer,
        position: Int
    ) -> (offset: Int64, size: Int64, digest: Digest)? {
        let place = LayerIndex.headerSize + position * LayerIndex.recordSize
        guard bytes[place + 24] == LayerEntry.Kind.regular.rawValue,
            bytes[place + 25] & (Flag.offset | Flag.digest) == Flag.offset | Flag.digest
        else { return nil }
        func load(_ offset: Int) -> Int64 {
            Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: place + offset, as: Int64.self))
        }
        let digest = Digest(rawBytes: UnsafeRawBufferPointer(rebasing: bytes[(place + 72)..<(place + 104)]))
        return (load(64), load(48), digest)
    }

    /// Whether one record says the same as an entry of the same path, content aside, and its strings lie behind
    /// each other.
    static func isSame(_ bytes: UnsafeRawBufferPointer, position: Int, _ entry: LayerEntry) -> Bool {
        let place = LayerIndex.headerSize + position * LayerIndex.recordSize
        func load<Value: FixedWidthInteger>(_ offset: Int, _ type: Value.Type) -> Value {
            Value(littleEndian: bytes.loadUnaligned(fromByteOffset: place + offset, as: type))
        }
        let flags = entry.kind == .regular ? Flag.offset | Flag.digest : 0
        return entry.kind != .hardLink && !entry.isOpaque && !entry.isImplied && entry.extendedAttributes.isEmpty
            && load(24, UInt8.self) == entry.kind.rawValue && load(25, UInt8.self) == flags
            && load(26, UInt16.self) == entry.permissions
            && load(28, UInt32.self) == entry.userID && load(32, UInt32.self) == entry.groupID
            && load(36, UInt32.self) == entry.deviceMajor && load(40, UInt32.self) == entry.deviceMinor
            && load(48, Int64.self) == entry.size && load(56, Int64.self) == entry.modified
            && load(20, UInt32.self) == 0
            && load(8, UInt32.self) == load(0, UInt32.self) &+ load(4, UInt32.self)
            && load(16, UInt32.self) == load(8, UInt32.self) &+ load(12, UInt32.self)
            && string(bytes, at: place + 8).elementsEqual(entry.linkTarget)
    }

    /// Whether one record is of a directory.
    static func isDirectory(_ bytes: UnsafeRawBufferPointer, position: Int) -> Bool {
        bytes[LayerIndex.headerSize + position * LayerIndex.recordSize + 24] == LayerEntry.Kind.directory.rawValue
    }

    /// Whether one record removes what the layers below have below its path: all but directories that are not opaque.
    static func hidesBelow(_ bytes: UnsafeRawBufferPointer, position: Int) -> Bool {
        let place = LayerIndex.headerSize + position * LayerIndex.recordSize
        return bytes[place + 24] != LayerEntry.Kind.directory.rawValue || bytes[place + 25] & Flag.opaque != 0
    }

    /// The byte string that the (offset, length) pair at `place` points to; empty where it points outside.
    private static func string(_ bytes: UnsafeRawBufferPointer, at place: Int) -> UnsafeRawBufferPointer {
        let recordCount = Int(bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        let table = LayerIndex.headerSize + recordCount * LayerIndex.recordSize
        let start = table + Int(bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
        let length = Int(bytes.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self))
        guard start + length <= bytes.count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<start + length])
    }

    static func decode(_ bytes: UnsafeRawBufferPointer, position: Int) -> LayerEntry {
        let place = LayerIndex.headerSize + position * LayerIndex.recordSize
        func load<Value: FixedWidthInteger>(_ offset: Int, _ type: Value.Type) -> Value {
            Value(littleEndian: bytes.loadUnaligned(fromByteOffset: place + offset, as: type))
        }
        let flags = load(25, UInt8.self)
        return LayerEntry(
            path: PathInRoot(archiveMember: Array(string(bytes, at: place))) ?? .root,
            kind: LayerEntry.Kind(rawValue: load(24, UInt8.self)) ?? .regular,
            permissions: load(26, UInt16.self),
            userID: load(28, UInt32.self),
            groupID: load(32, UInt32.self),
            size: load(48, Int64.self),
            modified: load(56, Int64.self),
            linkTarget: Array(string(bytes, at: place + 8)),
            extendedAttributes: attributes(string(bytes, at: place + 16)),
            deviceMajor: load(36, UInt32.self),
            deviceMinor: load(40, UInt32.self),
            isOpaque: flags & Flag.opaque != 0,
            isImplied: flags & Flag.implied != 0,
            contentOffset: flags & Flag.offset != 0 ? load(64, Int64.self) : nil,
            contentDigest: flags & Flag.digest != 0
                ? Digest(rawBytes: UnsafeRawBufferPointer(rebasing: bytes[(place + 72)..<(place + 104)])) : nil
        )
    }

    private static func attributes(_ bytes: UnsafeRawBufferPointer) -> [ExtendedAttribute] {
        var result: [ExtendedAttribute] = []
        var position = 0
        while position + 8 <= bytes.count {
            let nameLength = Int(bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
            let valueLength = Int(bytes.loadUnaligned(fromByteOffset: position + 4, as: UInt32.self))
            position += 8
            guard nameLength <= bytes.count - position, valueLength <= bytes.count - position - nameLength else {
                break
            }
            let name = bytes[position..<position + nameLength]
            let value = bytes[position + nameLength..<position + nameLength + valueLength]
            result.append(.init(name: String(decoding: name, as: UTF8.self), value: Array(value)))
            position += nameLength + valueLength
        }
        return result
    }
}
