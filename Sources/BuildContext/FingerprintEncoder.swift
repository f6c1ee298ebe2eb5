internal import ContentStore
internal import FileSystem
internal import OCI

/// Puts listings into bytes that differ whenever something differs that counts for the cache, and digests them.
struct FingerprintEncoder: ~Copyable {
    /// Part of the digest, so that another encoding never gives an equal one.
    private static let version = "swiftbuild context 1\n"

    private var hasher = SHA256Hasher()
    private var buffer: [UInt8] = []

    init() {
        hasher.update(FingerprintEncoder.version)
    }

    mutating func append(_ listing: ContextListing) {
        // The number of entries ends the listing, so that moving one to the next listing changes the bytes.
        append(listing.root.isDirectory ? 1 : 0, as: UInt8.self)
        append(listing.entries.count, as: UInt64.self)
        for entry in listing.entries {
            append(entry)
            if buffer.count >= 1 << 16 { flush() }
        }
    }

    mutating func finish() -> Digest {
        flush()
        return hasher.finish()
    }

    private mutating func append(_ entry: ContextEntry) {
        append(entry.status.kind.rawValue, as: UInt8.self)
        append(entry.status.permissions, as: UInt16.self)
        append(entry.path)
        append(entry.extendedAttributes.count, as: UInt32.self)
        for attribute in entry.extendedAttributes {
            append(Array(attribute.name.utf8))
            append(attribute.value)
        }
        switch entry.status.kind {
        case .regular:
            append(entry.status.size, as: UInt64.self)
            entry.contentDigest?.append(to: &buffer)
        case .symbolicLink:
            append(entry.linkTarget)
        case .characterDevice, .blockDevice:
            append(entry.status.deviceNumber, as: UInt64.self)
        case .directory, .fifo, .socket:
            break
        }
    }

    private mutating func append(_ bytes: [UInt8]) {
        append(bytes.count, as: UInt32.self)
        buffer.append(contentsOf: bytes)
    }

    private mutating func append<Width: FixedWidthInteger>(_ value: some BinaryInteger, as width: Width.Type) {
        withUnsafeBytes(of: Width(truncatingIfNeeded: value).littleEndian) { buffer.append(contentsOf: $0) }
    }

    private mutating func flush() {
        hasher.update(buffer)
        buffer.removeAll(keepingCapacity: true)
    }
}
