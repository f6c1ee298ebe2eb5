internal import FileSystem
internal import OCI

/// The record format of a layer index: fixed-size records that point into one table of byte strings.
struct LayerIndexEncoder {
    private var records: [UInt8] = []
    private var strings: [UInt8] = []
    private var count: UInt32 = 0

    private enum Flag {
        static let opaque: UInt8 = 1
        static let implied: UInt8 = 2
        static let offset: UInt8 = 4
        static let digest: UInt8 = 8
    }

    init(capacity: Int) {
        records.reserveCapacity(capacity * LayerIndex.recordSize)
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
        records += entry.contentDigest?.bytes ?? [UInt8](repeating: 0, count: Digest.byteCount)
        count += 1
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

    consuming func finish(magic: UInt64, diffID: Digest, tarSize: Int64, fileBytes: Int64, bootID: BootID) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(LayerIndex.headerSize + records.count + strings.count)
        LayerIndexEncoder.append(magic, to: &result)
        LayerIndexEncoder.append(count, to: &result)
        LayerIndexEncoder.append(UInt32(0), to: &result)
        LayerIndexEncoder.append(fileBytes, to: &result)
        LayerIndexEncoder.append(tarSize, to: &result)
        result += diffID.bytes
        result += bootID.bytes
        LayerIndexEncoder.append(UInt64(0), to: &result)
        LayerIndexEncoder.append(UInt64(0), to: &result)
        result += records
        result += strings
        let checksum = result.withUnsafeBytes { LayerIndex.checksum($0) }
        withUnsafeBytes(of: checksum.littleEndian) { result.replaceSubrange(88..<96, with: $0) }
        return result
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
