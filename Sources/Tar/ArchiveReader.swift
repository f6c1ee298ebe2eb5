internal import CArchive
internal import FileSystem
internal import Glibc
internal import OCI
internal import SystemPackage

/// Reads a tar archive entry by entry with libarchive: ustar, PAX, GNU and old formats, plain or compressed with
/// gzip, bzip2, xz or zstd, recognised by content.
///
/// Names are returned as `PathInRoot`, so no entry can name anything outside; one that tries is an error.
public final class ArchiveReader {
    private let archive: OpaquePointer
    private let source: ByteSource
    /// The source where it may be compressed.
    private let decompressing: DecompressingSource?
    private let name: String
    private var current: OpaquePointer?

    /// libarchive converts PAX names through the locale and loses what "C" cannot show.
    private static let locale: Void = { setlocale(LC_CTYPE, "C.UTF-8") }()

    /// Reads from an open file, which must stay open, from its current position.
    ///
    /// - Parameter start: What was read from the file before.
    /// - Throws: `LayerError.unreadable` when the content is not an archive.
    public convenience init(descriptor: Int32, name: String, after start: [UInt8] = []) throws {
        let source = DescriptorSource(descriptor: descriptor, start: start)
        try self.init(try DecompressingSource(source, name: name), name: name)
    }

    private convenience init(_ decompressing: DecompressingSource, name: String) throws {
        try self.init(source: decompressing, name: name, decompressing)
        archive_read_support_format_tar(archive)
        try openArchive(archive, source: decompressing, name: name)
    }

    /// Reads a plain tar; one without any bytes is a layer without any entries.
    public convenience init(plain source: ByteSource, name: String) throws {
        try self.init(source: source, name: name, nil)
        archive_read_support_format_tar(archive)
        archive_read_support_format_empty(archive)
        try openArchive(archive, source: source, name: name)
    }

    private init(source: ByteSource, name: String, _ decompressing: DecompressingSource?) throws {
        _ = ArchiveReader.locale
        guard let archive = archive_read_new() else { throw LayerError.unreadable(name, reason: "out of memory") }
        self.archive = archive
        self.source = source
        self.decompressing = decompressing
        self.name = name
    }

    deinit {
        archive_read_free(archive)
    }

    /// Whether a stream that cannot be read twice begins as an archive does, by the first 512 bytes.
    ///
    /// A compressed stream may turn out to hold something else.
    public static func isArchive(beginning start: [UInt8]) -> Bool {
        if StreamCompression(start: start) != nil { return true }
        guard start.count == 512 else { return false }
        // An archive without members is all zeros; every header has the sum of its bytes in it (pax(1)).
        if start.allSatisfy({ $0 == 0 }) { return true }
        let digits = start[148..<156].filter { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
        let sum = start.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
        return Int(String(decoding: digits, as: UTF8.self), radix: 8) == sum
    }

    /// Whether an open file's content is a tar archive in one of the forms that can be read.
    ///
    /// The file's position is at its start afterwards.
    ///
    /// - Throws: `LayerError.unreadable` where it cannot be determined, since the compressed data is damaged.
    public static func isArchive(descriptor: Int32, name: String) throws -> Bool {
        defer { lseek(descriptor, 0, SEEK_SET) }
        lseek(descriptor, 0, SEEK_SET)
        let source = try DecompressingSource(DescriptorSource(descriptor: descriptor), name: name)
        guard let reader = try? ArchiveReader(source, name: name) else {
            if let failure = source.failure { throw failure }
            try source.verifyEnd()
            return false
        }
        // A plain file that happens to look like an archive ends at its first header.
        var entry: OpaquePointer?
        let result = archive_read_next_header(reader.archive, &entry)
        if let failure = source.failure { throw failure }
        let isArchive =
            result == ARCHIVE_OK || result == ARCHIVE_WARN
            || (result == ARCHIVE_EOF && archive_format(reader.archive) != 0)
        // What is damaged near its start may read like something else; only the checksum at the end tells.
        if !isArchive { try source.verifyEnd() }
        return isArchive
    }

    /// The next entry without its content digest; `nil` at the end.
    ///
    /// - Throws: `LayerError.unsafeMember` and `.unreadable`.
    public func next() throws -> LayerEntry? {
        while true {
            var entry: OpaquePointer?
            switch archive_read_next_header(archive, &entry) {
            case ARCHIVE_EOF:
                current = nil
                // The end of the archive is not that of what is compressed, with its checksum.
                try decompressing?.verifyEnd()
                return nil
            case ARCHIVE_OK, ARCHIVE_WARN:
                guard let entry else { continue }
                current = entry
                if let converted = try convert(entry) { return converted }
            default:
                throw failure()
            }
        }
    }

    /// Whether the archive is compressed, so that offsets in it are not offsets in the file.
    public var isCompressed: Bool { decompressing?.isCompressed ?? false }

    /// Whether the current entry has holes, so that its content does not lie in the stream in one piece.
    public var isSparse: Bool { current.map { archive_entry_sparse_count($0) > 0 } ?? false }

    /// Where the current entry's content starts in the uncompressed stream; `nil` where it has holes.
    public var contentOffset: Int64? { isSparse ? nil : archive_filter_bytes(archive, 0) }

    /// Hands the content of the current entry to `body`, holes filled with zeros.
    ///
    /// - Returns: Where the content starts in the uncompressed stream; `nil` where it does not lie there in one piece.
    @discardableResult
    public func readContent(_ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Int64? {
        let start = contentOffset
        let size = current.map { archive_entry_size($0) } ?? 0
        var position: Int64 = 0
        while true {
            var block: UnsafeRawPointer?
            var count = 0
            var offset: la_int64_t = 0
            switch archive_read_data_block(archive, &block, &count, &offset) {
            case ARCHIVE_OK, ARCHIVE_WARN:
                guard offset >= position, offset <= size else { throw failure("a sparse entry is out of order") }
                try fillHole(&position, upTo: offset, body)
                try body(UnsafeRawBufferPointer(start: block, count: count))
                position += Int64(count)
            case ARCHIVE_EOF:
                try fillHole(&position, upTo: size, body)
                return start
            default:
                throw failure()
            }
        }
    }

    private func fillHole(_ position: inout Int64, upTo end: Int64, _ body: (UnsafeRawBufferPointer) throws -> Void)
        throws
    {
        guard position < end else { return }
        let zeros = [UInt8](repeating: 0, count: Int(min(end - position, 1 << 16)))
        while position < end {
            let count = Int(min(end - position, Int64(zeros.count)))
            try zeros.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            position += Int64(count)
        }
    }

    /// - Returns: `nil` for a member that stands for nothing.
    private func convert(_ entry: OpaquePointer) throws -> LayerEntry? {
        let name = bytes(archive_entry_pathname(entry)) ?? bytes(archive_entry_pathname_utf8(entry)) ?? []
        // There is nothing that it could be (BuildKit).
        guard !name.isEmpty else { return nil }
        let shown = String(decoding: name, as: UTF8.self)
        var result = LayerEntry(
            path: try path(ofMember: name, shown),
            kind: .regular,
            permissions: UInt16(archive_entry_perm(entry) & 0o7777),
            userID: UInt32(clamping: archive_entry_uid(entry)),
            groupID: UInt32(clamping: archive_entry_gid(entry)),
            modified: Int64(archive_entry_mtime(entry))
        )
        // The kernel takes it for "leave the owner as it is".
        guard result.userID != .max, result.groupID != .max else {
            throw LayerError.unsafeMember(shown, reason: "invalid owner")
        }
        if let target = bytes(archive_entry_hardlink(entry)) ?? bytes(archive_entry_hardlink_utf8(entry)) {
            guard let inside = PathInRoot(archiveMember: target) else {
                throw LayerError.unsafeMember(
                    shown,
                    reason: "it links to `\(String(decoding: target, as: UTF8.self))`, outside the root"
                )
            }
            result.kind = .hardLink
            result.linkTarget = inside.bytes
            return result
        }
        guard try setKind(of: &result, from: entry, shown) else { return nil }
        guard !result.path.isRoot || result.kind == .directory else {
            throw LayerError.unsafeMember(shown, reason: "only a directory can be the root (CVE-2021-29136)")
        }
        result.extendedAttributes = extendedAttributes(entry)
        return result
    }

    private func path(ofMember name: [UInt8], _ shown: String) throws -> PathInRoot {
        guard name.count <= 4096 else {
            throw LayerError.unsafeMember(String(shown.prefix(100)) + "…", reason: "its name is too long")
        }
        guard let path = PathInRoot(archiveMember: name) else {
            throw LayerError.unsafeMember(shown, reason: "it would leave the root")
        }
        guard name.count <= 255 || path.components.allSatisfy({ $0.count <= 255 }) else {
            throw LayerError.unsafeMember(shown, reason: "a name in it is longer than the 255 bytes that Linux allows")
        }
        return path
    }

    /// Sets what an entry is, and the fields that only its kind has.
    ///
    /// - Returns: Whether it is anything that a layer can hold.
    private func setKind(of result: inout LayerEntry, from entry: OpaquePointer, _ shown: String) throws -> Bool {
        switch archive_entry_filetype(entry) & Glibc.S_IFMT {
        case Glibc.S_IFREG:
            result.size = archive_entry_size(entry)
            guard result.size >= 0 else { throw LayerError.unsafeMember(shown, reason: "its size is negative") }
        case Glibc.S_IFDIR: result.kind = .directory
        case Glibc.S_IFLNK:
            result.kind = .symbolicLink
            result.linkTarget = bytes(archive_entry_symlink(entry)) ?? bytes(archive_entry_symlink_utf8(entry)) ?? []
            guard (1...4095).contains(result.linkTarget.count) else {
                throw LayerError.unsafeMember(shown, reason: "invalid target of a symbolic link")
            }
        case Glibc.S_IFCHR: result.kind = .characterDevice
        case Glibc.S_IFBLK: result.kind = .blockDevice
        case Glibc.S_IFIFO: result.kind = .fifo
        default: return false
        }
        if result.kind == .characterDevice || result.kind == .blockDevice {
            result.deviceMajor = UInt32(truncatingIfNeeded: archive_entry_rdevmajor(entry))
            result.deviceMinor = UInt32(truncatingIfNeeded: archive_entry_rdevminor(entry))
        }
        return true
    }

    /// Attributes that mean something to overlayfs are never taken from an archive.
    private func extendedAttributes(_ entry: OpaquePointer) -> [ExtendedAttribute] {
        var result: [ExtendedAttribute] = []
        archive_entry_xattr_reset(entry)
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK, let attribute = name {
            let text = String(cString: attribute)
            guard !text.hasPrefix("trusted.overlay."), !text.hasPrefix("user.overlay.") else { continue }
            result.append(.init(name: text, value: Array(UnsafeRawBufferPointer(start: value, count: size))))
        }
        return result.sorted()
    }

    private func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8]? {
        text.map { pointer in
            pointer.withMemoryRebound(to: UInt8.self, capacity: strlen(pointer)) {
                Array(UnsafeBufferPointer(start: $0, count: strlen(pointer)))
            }
        }
    }

    private func failure(_ reason: String? = nil) -> any Error {
        source.failure ?? LayerError.unreadable(name, reason: reason ?? archiveMessage(archive))
    }
}

/// libarchive's last message, which may be missing.
func archiveMessage(_ archive: OpaquePointer) -> String {
    archive_error_string(archive).map { String(cString: $0) } ?? "unknown format"
}

/// Connects an archive object to a source of bytes.
func openArchive(_ archive: OpaquePointer, source: ByteSource, name: String) throws {
    let context = Unmanaged.passUnretained(source).toOpaque()
    let result = archive_read_open(
        archive,
        context,
        nil,
        { archive, context, buffer in
            guard let context else { return -1 }
            let source = Unmanaged<ByteSource>.fromOpaque(context).takeUnretainedValue()
            do {
                let bytes = try source.next()
                buffer?.pointee = bytes.baseAddress
                return bytes.count
            } catch {
                source.failure = error
                return -1
            }
        },
        nil
    )
    guard result == ARCHIVE_OK || result == ARCHIVE_WARN else {
        throw source.failure ?? LayerError.unreadable(name, reason: archiveMessage(archive))
    }
}
