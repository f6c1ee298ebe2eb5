internal import FileSystem

/// A piece of a tar stream in memory, always whole blocks between members, which another thread may have filled.
///
/// POSIX ustar headers, with a PAX record only for what does not fit them (IEEE 1003.1, "pax Interchange Format"):
/// no names of users, no access or change times, no padding to records. libarchive's writer is not used because its
/// bytes differ with the version and the locale, and a layer's digest must not
/// (`docs/decisions/0002-own-tar-writer.md`).
public final class TarBuffer: ByteBuffer {
    public static let blockSize = 512

    /// Fills the last block of a content of `size` bytes.
    public func appendPadding(after size: Int64) {
        let excess = Int(size % Int64(TarBuffer.blockSize))
        if excess > 0 { appendZeros(TarBuffer.blockSize - excess) }
    }

    /// Appends the header of an entry; file content must follow, exactly `entry.size` bytes of it, and its padding.
    ///
    /// A whiteout becomes the empty file `.wh.NAME`, an opaque directory is followed by its marker (layer.md).
    public func appendHeader(of entry: LayerEntry) {
        var name = entry.path.bytes
        var type = UInt8(ascii: "0")
        switch entry.kind {
        case .regular: break
        case .hardLink: type = UInt8(ascii: "1")
        case .symbolicLink: type = UInt8(ascii: "2")
        case .characterDevice: type = UInt8(ascii: "3")
        case .blockDevice: type = UInt8(ascii: "4")
        case .directory:
            type = UInt8(ascii: "5")
            if entry.path.isRoot { name.append(UInt8(ascii: ".")) }
            name.append(UInt8(ascii: "/"))
        case .fifo: type = UInt8(ascii: "6")
        case .whiteout: name = entry.path.parent.appending(Array(".wh.".utf8) + entry.path.name).bytes
        }
        appendHeader(of: entry, name: name, type: type, size: entry.kind == .regular ? entry.size : 0)
        if entry.isOpaque {
            appendHeader(
                of: LayerEntry(
                    path: entry.path.appending(Array(".wh..wh..opq".utf8)),
                    kind: .regular,
                    permissions: 0,
                    modified: entry.modified
                )
            )
        }
    }

    private func appendHeader(of entry: LayerEntry, name: [UInt8], type: UInt8, size: Int64) {
        // Most members need no records, which is known only when the header is complete.
        let records = entry.extendedAttributes.isEmpty ? TarHeader.fill(append(512), entry, name, type, size) : nil
        if let records, records.isEmpty { return }
        if records != nil { removeLast(512) }
        appendRecords(entry, name, type, size)
    }

    private func appendRecords(_ entry: LayerEntry, _ name: [UInt8], _ type: UInt8, _ size: Int64) {
        var header = [UInt8](repeating: 0, count: TarBuffer.blockSize)
        var records = header.withUnsafeMutableBytes { TarHeader.fill($0, entry, name, type, size) }
        for attribute in entry.extendedAttributes where entry.kind != .hardLink {
            records.add("SCHILY.xattr." + attribute.name, attribute.value)
        }
        if !records.isEmpty {
            let bytes = records.bytes
            TarHeader.fillExtended(append(TarBuffer.blockSize), of: entry, size: bytes.count)
            bytes.withUnsafeBytes { append($0) }
            appendPadding(after: Int64(bytes.count))
        }
        header.withUnsafeBytes { append($0) }
    }
}

/// One 512-byte ustar header, where it lies.
private struct TarHeader {
    enum Field {
        case mode, userID, groupID, size, modified, linkName, deviceMajor, deviceMinor

        var range: Range<Int> {
            switch self {
            case .mode: 100..<108
            case .userID: 108..<116
            case .groupID: 116..<124
            case .size: 124..<136
            case .modified: 136..<148
            case .linkName: 157..<257
            case .deviceMajor: 329..<337
            case .deviceMinor: 337..<345
            }
        }
    }

    private let bytes: UnsafeMutableRawBufferPointer

    private init(_ bytes: UnsafeMutableRawBufferPointer) {
        self.bytes = bytes
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    /// Writes a member's header and gives the records for what did not fit, extended attributes left out.
    static func fill(
        _ bytes: UnsafeMutableRawBufferPointer,
        _ entry: LayerEntry,
        _ name: [UInt8],
        _ type: UInt8,
        _ size: Int64
    ) -> PAXRecords {
        let header = TarHeader(bytes)
        var records = PAXRecords()
        if !header.setName(name) { records.add("path", name) }
        let isLink = entry.kind == .symbolicLink || entry.kind == .hardLink
        if isLink, !header.setText(entry.linkTarget, .linkName) { records.add("linkpath", entry.linkTarget) }
        header.setNumber(UInt64(entry.permissions), .mode)
        if !header.setNumber(UInt64(entry.userID), .userID) { records.add("uid", entry.userID) }
        if !header.setNumber(UInt64(entry.groupID), .groupID) { records.add("gid", entry.groupID) }
        if !header.setNumber(UInt64(clamping: size), .size) { records.add("size", size) }
        if entry.modified < 0 || !header.setNumber(UInt64(clamping: entry.modified), .modified) {
            header.setNumber(0, .modified)
            records.add("mtime", entry.modified)
        }
        header.setNumber(UInt64(entry.deviceMajor), .deviceMajor)
        header.setNumber(UInt64(entry.deviceMinor), .deviceMinor)
        header.seal(type: type)
        return records
    }

    /// Writes the header of the records that stand before a member.
    static func fillExtended(_ bytes: UnsafeMutableRawBufferPointer, of entry: LayerEntry, size: Int) {
        let header = TarHeader(bytes)
        header.setName(
            Array("PaxHeaders.0/".utf8) + entry.path.name.prefix(80).map { $0 < 0x80 ? $0 : UInt8(ascii: "_") }
        )
        header.setNumber(0o644, .mode)
        header.setNumber(0, .userID)
        header.setNumber(0, .groupID)
        header.setNumber(UInt64(size), .size)
        header.setNumber(0, .modified)
        header.seal(type: UInt8(ascii: "x"))
    }

    private func put(_ text: some Collection<UInt8>, at position: Int) {
        UnsafeMutableRawBufferPointer(rebasing: bytes[position...]).copyBytes(from: text)
    }

    /// Sets the name, split at a slash into prefix and name where it is longer than the name field.
    ///
    /// - Returns: Whether it fits; a shortened ASCII form is set where it does not.
    @discardableResult
    private func setName(_ name: [UInt8]) -> Bool {
        let isASCII = name.allSatisfy { $0 < 0x80 }
        if isASCII, name.count <= 100 {
            put(name, at: 0)
            return true
        }
        if isASCII, name.count <= 256 {
            let earliest = max(name.count - 101, 1)
            let latest = min(155, name.count - 2)
            if earliest <= latest, let slash = (earliest...latest).first(where: { name[$0] == UInt8(ascii: "/") }) {
                put(name[(slash + 1)...], at: 0)
                put(name[..<slash], at: 345)
                return true
            }
        }
        put(name.suffix(100).map { $0 < 0x80 ? $0 : UInt8(ascii: "_") }, at: 0)
        return false
    }

    private func setText(_ text: [UInt8], _ field: Field) -> Bool {
        let fits = text.count <= field.range.count && text.allSatisfy { $0 < 0x80 }
        let shown = fits ? text : text.prefix(field.range.count).map { $0 < 0x80 ? $0 : UInt8(ascii: "_") }
        put(shown, at: field.range.lowerBound)
        return fits
    }

    /// Sets an octal number with a final NUL; 0 where it does not fit.
    @discardableResult
    private func setNumber(_ value: UInt64, _ field: Field) -> Bool {
        let digits = field.range.count - 1
        let fits = value < 1 << UInt64(3 * digits)
        var rest = fits ? value : 0
        for position in (field.range.lowerBound..<field.range.lowerBound + digits).reversed() {
            bytes[position] = UInt8(ascii: "0") + UInt8(rest & 7)
            rest >>= 3
        }
        return fits
    }

    /// Completes the header with its type, magic and checksum.
    private func seal(type: UInt8) {
        bytes[156] = type
        put("ustar\u{0}00".utf8, at: 257)
        put("        ".utf8, at: 148)
        var rest = bytes.reduce(0) { $0 + Int($1) }
        for position in (148..<154).reversed() {
            bytes[position] = UInt8(ascii: "0") + UInt8(rest & 7)
            rest >>= 3
        }
        bytes[154] = 0
    }
}

/// The records of one PAX extended header: `LENGTH KEY=VALUE\n`, the length counting itself.
private struct PAXRecords {
    private(set) var bytes: [UInt8] = []

    var isEmpty: Bool { bytes.isEmpty }

    mutating func add(_ key: String, _ value: [UInt8]) {
        let rest = key.utf8.count + value.count + 3
        var length = rest + String(rest).utf8.count
        length = rest + String(length).utf8.count
        bytes += Array("\(length) \(key)=".utf8) + value + [UInt8(ascii: "\n")]
    }

    mutating func add(_ key: String, _ value: some BinaryInteger) {
        add(key, Array(String(value).utf8))
    }
}
