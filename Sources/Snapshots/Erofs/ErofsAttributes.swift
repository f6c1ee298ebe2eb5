internal import FileSystem

/// The extended attributes of one inode, as they stand behind it.
struct ErofsAttributes {
    /// Empty where there are none.
    private(set) var bytes: [UInt8] = []
    /// `i_xattr_icount`.
    var count: UInt16 { bytes.isEmpty ? 0 : UInt16((bytes.count - ErofsAttributes.headerSize) / 4 + 1) }

    private static let headerSize = 12
    private static let prefixes: [(text: String, index: UInt8)] = [("user.", 1), ("trusted.", 4), ("security.", 6)]

    /// Leaves out what no filesystem would take, as unpacking does.
    ///
    /// - Returns: `nil` for what cannot be expressed here and may be elsewhere: access lists, and what is too large.
    init?(_ attributes: [ExtendedAttribute], isOpaque: Bool) {
        var all = attributes
        if isOpaque {
            all.removeAll { $0.name == "trusted.overlay.opaque" }
            all.append(ExtendedAttribute(name: "trusted.overlay.opaque", value: [UInt8(ascii: "y")]))
        }
        for attribute in all {
            guard !attribute.name.hasPrefix("system.") else { return nil }
            guard let prefix = ErofsAttributes.prefixes.first(where: { attribute.name.hasPrefix($0.text) }) else {
                continue
            }
            let name = Array(attribute.name.utf8.dropFirst(prefix.text.utf8.count))
            guard (1...255).contains(name.count), let size = UInt16(exactly: attribute.value.count) else { return nil }
            // No filter of names, no attributes that are shared.
            if bytes.isEmpty { bytes = [UInt8](repeating: 0, count: ErofsAttributes.headerSize) }
            bytes += [UInt8(name.count), prefix.index, UInt8(truncatingIfNeeded: size), UInt8(size >> 8)]
            bytes += name
            bytes += attribute.value
            bytes += [UInt8](repeating: 0, count: ErofsFormat.roundedUp(bytes.count, to: 4) - bytes.count)
            guard UInt16(exactly: bytes.count / 4) != nil else { return nil }
        }
    }
}
