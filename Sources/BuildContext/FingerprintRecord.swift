internal import FileSystem
internal import OCI

/// What was learned by reading one file: the status it had, and what was in it.
struct FingerprintRecord: Sendable, Equatable {
    let device: UInt64
    let inode: UInt64
    let size: Int64
    let modified: Int64
    let changed: Int64
    let permissions: UInt16
    /// Whether the file has extended attributes that count, which must then be read again.
    let hasExtendedAttributes: Bool
    let contentDigest: Digest

    init(_ status: FileStatus, contentDigest: Digest, hasExtendedAttributes: Bool) {
        device = status.device
        inode = status.inode
        size = status.size
        modified = status.modified
        changed = status.changed
        permissions = status.permissions
        self.hasExtendedAttributes = hasExtendedAttributes
        self.contentDigest = contentDigest
    }

    func matches(_ status: FileStatus) -> Bool {
        inode == status.inode && changed == status.changed && size == status.size && modified == status.modified
            && device == status.device && permissions == status.permissions
    }

    /// The file that a record is about; there is one record for each.
    struct Key: Hashable, Sendable {
        let device: UInt64
        let inode: UInt64
    }

    var key: Key { Key(device: device, inode: inode) }
}

extension FingerprintRecord {
    static let byteCount = 80

    /// Reads a record; `nil` when its check word does not fit the rest.
    init?(_ bytes: UnsafeRawBufferPointer) {
        var words: UInt64 = 0
        for offset in stride(from: 0, to: FingerprintRecord.byteCount, by: 8) where offset != 40 {
            words = FingerprintRecord.mix(words, bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        let packed = bytes.loadUnaligned(fromByteOffset: 40, as: UInt64.self)
        guard FingerprintRecord.check(words, packed) == packed >> 32 else { return nil }
        device = bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
        inode = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        size = bytes.loadUnaligned(fromByteOffset: 16, as: Int64.self)
        modified = bytes.loadUnaligned(fromByteOffset: 24, as: Int64.self)
        changed = bytes.loadUnaligned(fromByteOffset: 32, as: Int64.self)
        permissions = UInt16(truncatingIfNeeded: packed)
        hasExtendedAttributes = packed & (1 << 16) != 0
        contentDigest = Digest(rawBytes: UnsafeRawBufferPointer(rebasing: bytes[48..<80]))
    }

    /// How many saves ago the record was last used, as it stands in its bytes.
    static func age(_ bytes: UnsafeRawBufferPointer) -> UInt8 { bytes[43] }

    /// Appends the record's bytes.
    ///
    /// - Parameter age: How many saves ago it was last used.
    func encode(age: UInt8, into output: inout [UInt8]) {
        let start = output.count
        for word in [
            device, inode, UInt64(bitPattern: size), UInt64(bitPattern: modified), UInt64(bitPattern: changed), 0,
        ] {
            withUnsafeBytes(of: word) { output.append(contentsOf: $0) }
        }
        contentDigest.append(to: &output)
        let packed = UInt64(permissions) | (hasExtendedAttributes ? 1 << 16 : 0) | UInt64(age) << 24
        output.withUnsafeMutableBytes { buffer in
            let record = UnsafeMutableRawBufferPointer(rebasing: buffer[start...])
            var words: UInt64 = 0
            for offset in stride(from: 0, to: FingerprintRecord.byteCount, by: 8) where offset != 40 {
                words = FingerprintRecord.mix(words, record.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            }
            let whole = packed | FingerprintRecord.check(words, packed) << 32
            record.storeBytes(of: whole, toByteOffset: 40, as: UInt64.self)
        }
    }

    private static func check(_ words: UInt64, _ packed: UInt64) -> UInt64 {
        mix(words, packed & 0xFFFF_FFFF) >> 32
    }

    /// One round of a multiplicative hash: enough against damage, and for spreading inode numbers over a table.
    static func mix(_ state: UInt64, _ word: UInt64) -> UInt64 {
        let product = (state ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return (product.high ^ product.low) &+ 0xD6E8_FEB8_6659_FD93
    }
}
