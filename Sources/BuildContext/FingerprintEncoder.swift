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
        append(listing.count, as: UInt64.self)
        listing.forEach { path, entry in
            append(entry, of: listing, path)
            if buffer.count >= 1 << 16 { flush() }
        }
    }

    mutating func finish() -> Digest {
        flush()
        return hasher.finish()
    }

    private mutating func append(_ entry: ContextListing.Reference, of listing: ContextListing, _ path: [UInt8]) {
        let status = listing.status(of: entry)
        // A socket is copied as an empty file.
        append((status.kind == .socket ? .regular : status.kind).rawValue, as: UInt8.self)
        append(status.permissions, as: UInt16.self)
        append(path)
        let attributes = listing.extendedAttributes(of: entry)
        append(attributes.count, as: UInt32.self)
        for attribute in attributes {
            append(Array(attribute.name.utf8))
            append(attribute.value)
        }
        switch status.kind {
        case .regular:
            append(status.size, as: UInt64.self)
            listing.digest(of: entry)?.append(to: &buffer)
        case .symbolicLink:
            append(listing.linkTarget(of: entry))
        case .characterDevice, .blockDevice:
            append(status.deviceNumber, as: UInt64.self)
        case .socket:
            append(0, as: UInt64.self)
            SHA256Hasher.digest(of: []).append(to: &buffer)
        case .directory, .fifo:
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
