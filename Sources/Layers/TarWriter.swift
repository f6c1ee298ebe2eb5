internal import FileSystem
internal import Glibc
internal import OCI
public import SystemPackage

/// Writes a tar stream that depends on nothing but what it is given.
///
/// POSIX ustar headers, with a PAX record only for what does not fit them (IEEE 1003.1, "pax Interchange Format"):
/// no names of users, no access or change times, no padding to records. libarchive's writer is not used because its
/// bytes differ with the version and the locale, and a layer's digest must not
/// (`docs/decisions/0002-own-tar-writer.md`).
public final class TarWriter {
    private let sink: any ByteSink
    private let buffer: UnsafeMutableRawBufferPointer
    private var used = 0
    private var flushed: Int64 = 0

    private static let blockSize = 512
    private static let bufferSize = 1 << 20

    public init(sink: any ByteSink) {
        self.sink = sink
        buffer = .allocate(byteCount: TarWriter.bufferSize, alignment: 4096)
    }

    deinit {
        buffer.deallocate()
    }

    /// The length of the stream so far, in bytes.
    public var position: Int64 { flushed + Int64(used) }

    /// Writes the header of an entry; file content must follow, exactly `entry.size` bytes of it.
    ///
    /// A whiteout becomes the empty file `.wh.NAME`, an opaque directory is followed by its marker (layer.md).
    public func writeHeader(_ entry: LayerEntry) throws {
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
            name = entry.path.isRoot ? Array("./".utf8) : name + [UInt8(ascii: "/")]
        case .fifo: type = UInt8(ascii: "6")
        case .whiteout: name = entry.path.parent.appending(Array(".wh.".utf8) + entry.path.name).bytes
        }
        try writeHeader(entry, name: name, type: type, size: entry.kind == .regular ? entry.size : 0)
        if entry.isOpaque {
            let marker = LayerEntry(
                path: entry.path.appending(Array(".wh..wh..opq".utf8)),
                kind: .regular,
                permissions: 0,
                modified: entry.modified
            )
            try writeHeader(marker)
        }
    }

    /// Writes content bytes at hand.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            if used == 0, rest.count >= TarWriter.bufferSize {
                try sink.write(rest)
                flushed += Int64(rest.count)
                return
            }
            let count = min(rest.count, TarWriter.bufferSize - used)
            UnsafeMutableRawBufferPointer(rebasing: buffer[used...]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: rest.prefix(count))
            )
            used += count
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            if used == TarWriter.bufferSize { try flush() }
        }
    }

    /// Copies `size` bytes that start at `offset` of an open file straight into the stream's buffer.
    ///
    /// - Parameter onBytes: Sees the bytes as they pass, for a digest of the content.
    /// - Throws: `LayerError.shortContent` when the file ends early.
    public func copy(
        descriptor: Int32,
        offset: Int64,
        size: Int64,
        path: FilePath,
        onBytes: (UnsafeRawBufferPointer) -> Void = { _ in }
    ) throws {
        var done: Int64 = 0
        while done < size {
            if used == TarWriter.bufferSize { try flush() }
            let space = buffer[used...].prefix(Int(min(size - done, Int64(TarWriter.bufferSize - used))))
            let count = pread(
                descriptor,
                UnsafeMutableRawBufferPointer(rebasing: space).baseAddress,
                space.count,
                off_t(offset + done)
            )
            if count < 0 {
                if Errno.current == .interrupted { continue }
                throw SystemError("read", path)
            }
            guard count > 0 else { throw LayerError.shortContent(path) }
            onBytes(UnsafeRawBufferPointer(rebasing: buffer[used..<used + count]))
            used += count
            done += Int64(count)
        }
    }

    /// Fills the last block of an entry's content.
    public func finishContent() throws {
        let excess = Int(position % Int64(TarWriter.blockSize))
        if excess > 0 { try writeZeros(TarWriter.blockSize - excess) }
    }

    /// Writes the end of the archive; nothing may follow.
    public func finish() throws {
        try writeZeros(2 * TarWriter.blockSize)
        try flush()
    }

    private func writeZeros(_ count: Int) throws {
        try withUnsafeTemporaryAllocation(byteCount: count, alignment: 8) { zeros in
            zeros.initializeMemory(as: UInt8.self, repeating: 0)
            try write(UnsafeRawBufferPointer(zeros))
        }
    }

    private func flush() throws {
        guard used > 0 else { return }
        try sink.write(UnsafeRawBufferPointer(rebasing: buffer[..<used]))
        flushed += Int64(used)
        used = 0
    }

    private func writeHeader(_ entry: LayerEntry, name: [UInt8], type: UInt8, size: Int64) throws {
        var header = TarHeader()
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
        for attribute in entry.extendedAttributes where entry.kind != .hardLink {
            records.add("SCHILY.xattr." + attribute.name, attribute.value)
        }
        if !records.isEmpty {
            var extended = TarHeader()
            extended.setName(
                Array("PaxHeaders.0/".utf8) + entry.path.name.prefix(80).map { $0 < 0x80 ? $0 : UInt8(ascii: "_") }
            )
            extended.setNumber(0o644, .mode)
            extended.setNumber(0, .userID)
            extended.setNumber(0, .groupID)
            extended.setNumber(UInt64(records.bytes.count), .size)
            extended.setNumber(0, .modified)
            try extended.sealed(type: UInt8(ascii: "x")).withUnsafeBytes { try write($0) }
            try records.bytes.withUnsafeBytes { try write($0) }
            try finishContent()
        }
        try header.sealed(type: type).withUnsafeBytes { try write($0) }
    }
}

/// One 512-byte ustar header.
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

    private var bytes = [UInt8](repeating: 0, count: 512)

    /// Sets the name, split at a slash into prefix and name where it is longer than the name field.
    ///
    /// - Returns: Whether it fits; a shortened ASCII form is set where it does not.
    @discardableResult
    mutating func setName(_ name: [UInt8]) -> Bool {
        let isASCII = name.allSatisfy { $0 < 0x80 }
        if isASCII, name.count <= 100 {
            bytes.replaceSubrange(0..<name.count, with: name)
            return true
        }
        if isASCII, name.count <= 256 {
            let earliest = max(name.count - 101, 1)
            let latest = min(155, name.count - 2)
            if earliest <= latest, let slash = (earliest...latest).first(where: { name[$0] == UInt8(ascii: "/") }) {
                bytes.replaceSubrange(0..<(name.count - slash - 1), with: name[(slash + 1)...])
                bytes.replaceSubrange(345..<(345 + slash), with: name[..<slash])
                return true
            }
        }
        let shortened = name.suffix(100).map { $0 < 0x80 ? $0 : UInt8(ascii: "_") }
        bytes.replaceSubrange(0..<shortened.count, with: shortened)
        return false
    }

    mutating func setText(_ text: [UInt8], _ field: Field) -> Bool {
        let start = field.range.lowerBound
        let fits = text.count <= field.range.count && text.allSatisfy { $0 < 0x80 }
        let shown = fits ? text : text.prefix(field.range.count).map { $0 < 0x80 ? $0 : UInt8(ascii: "_") }
        bytes.replaceSubrange(start..<start + shown.count, with: shown)
        return fits
    }

    /// Sets an octal number with a final NUL; 0 where it does not fit.
    @discardableResult
    mutating func setNumber(_ value: UInt64, _ field: Field) -> Bool {
        let digits = field.range.count - 1
        let fits = value < 1 << UInt64(3 * digits)
        var rest = fits ? value : 0
        for position in (field.range.lowerBound..<field.range.lowerBound + digits).reversed() {
            bytes[position] = UInt8(ascii: "0") + UInt8(rest & 7)
            rest >>= 3
        }
        return fits
    }

    /// The header with its type, magic and checksum.
    consuming func sealed(type: UInt8) -> [UInt8] {
        bytes[156] = type
        bytes.replaceSubrange(257..<265, with: Array("ustar\u{0}00".utf8))
        bytes.replaceSubrange(148..<156, with: [UInt8](repeating: UInt8(ascii: " "), count: 8))
        var rest = bytes.reduce(0) { $0 + Int($1) }
        for position in (148..<154).reversed() {
            bytes[position] = UInt8(ascii: "0") + UInt8(rest & 7)
            rest >>= 3
        }
        bytes[154] = 0
        return bytes
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
