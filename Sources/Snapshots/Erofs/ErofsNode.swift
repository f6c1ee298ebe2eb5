internal import FileSystem
internal import Glibc
internal import Tar

/// One inode: a file, under all of its names, or a directory or anything else.
struct ErofsNode {
    /// What follows the inode or is elsewhere.
    enum Content {
        case none
        /// Pieces of the tar.
        case file(ErofsPieces)
        case link([UInt8])
        case directory
    }

    let entry: LayerEntry
    let attributes: ErofsAttributes
    let content: Content
    var linkCount: UInt32 = 1
    /// Where the inode is.
    var place = 0
    /// Where its content is, if that lies in blocks of its own.
    var blocks = 0
    /// `i_size`.
    var size: Int64 = 0

    /// - Returns: `nil` for what EROFS, or this image, cannot express.
    init?(_ entry: LayerEntry, in tar: ErofsTar) {
        let hasAttributes = entry.kind == .directory || entry.isFile
        guard
            let attributes = ErofsAttributes(
                hasAttributes ? entry.extendedAttributes : [],
                isOpaque: entry.isOpaque && entry.kind == .directory
            )
        else { return nil }
        (self.entry, self.attributes) = (entry, attributes)
        switch entry.kind {
        case .directory: content = .directory
        case .symbolicLink:
            guard (1...ErofsFormat.longestLink).contains(entry.linkTarget.count), !entry.linkTarget.contains(0) else {
                return nil
            }
            content = .link(entry.linkTarget)
            size = Int64(entry.linkTarget.count)
        case .regular, .hardLink:
            guard entry.size >= 0 else { return nil }
            size = entry.size
            if entry.size == 0 {
                content = .none
                return
            }
            guard let offset = entry.contentOffset, let pieces = ErofsPieces(of: offset, entry.size, in: tar) else {
                return nil
            }
            content = .file(pieces)
        case .characterDevice, .blockDevice:
            // What the kernel has room for: 12 and 20 bits.
            guard entry.deviceMajor < 1 << 12, entry.deviceMinor < 1 << 20 else { return nil }
            content = .none
        case .fifo, .whiteout: content = .none
        }
    }

    /// The bytes of the inode with what follows it.
    var length: Int {
        let own = ErofsFormat.inodeSize + attributes.bytes.count
        return switch content {
        case .file(let pieces):
            ErofsFormat.roundedUp(own, to: ErofsFormat.chunkIndexSize) + pieces.blocks.count
                * ErofsFormat.chunkIndexSize
        case .link(let target): isInline ? own + target.count : own
        case .none, .directory: own
        }
    }

    /// Whether the content follows the inode; it must not reach into the next block.
    var isInline: Bool {
        if case .link(let target) = content {
            ErofsFormat.inodeSize + target.count <= ErofsFormat.blockSize
        } else {
            false
        }
    }

    /// What a directory says of it (`DT_…`).
    var type: UInt8 {
        switch entry.kind {
        case .regular, .hardLink: 1
        case .directory: ErofsDirectory.type
        case .characterDevice, .whiteout: 3
        case .blockDevice: 4
        case .fifo: 5
        case .symbolicLink: 7
        }
    }

    private var mode: UInt32 {
        let type =
            switch entry.kind {
            case .regular, .hardLink: Glibc.S_IFREG
            case .directory: Glibc.S_IFDIR
            case .characterDevice, .whiteout: Glibc.S_IFCHR
            case .blockDevice: Glibc.S_IFBLK
            case .fifo: Glibc.S_IFIFO
            case .symbolicLink: Glibc.S_IFLNK
            }
        let permissions = entry.kind == .symbolicLink ? 0o777 : entry.permissions & 0o7777
        return UInt32(type) | UInt32(permissions)
    }

    /// `i_u`: where the content is, or which device it is.
    private var union: UInt32 {
        switch content {
        case .file(let pieces): return ErofsFormat.chunkIndexes | UInt32(pieces.bits)
        case .link, .directory: return isInline ? 0 : UInt32(blocks / ErofsFormat.blockSize)
        case .none:
            guard entry.kind == .characterDevice || entry.kind == .blockDevice else { return 0 }
            let (major, minor) = (entry.deviceMajor, entry.deviceMinor)
            return minor & 0xFF | major << 8 | (minor & ~0xFF) << 12
        }
    }

    private var layout: ErofsFormat.Layout {
        if case .file = content { .chunks } else { isInline ? .inline : .plain }
    }

    /// `nid`.
    var number: UInt64 { UInt64(place / ErofsFormat.slotSize) }

    /// Writes `struct erofs_inode_extended` and what follows it.
    func write(to image: inout ErofsBytes) {
        image.store(layout.rawValue, at: place)
        image.store(attributes.count, at: place + 2)
        image.store(UInt16(truncatingIfNeeded: mode), at: place + 4)
        image.store(size, at: place + 8)
        image.store(union, at: place + 16)
        image.store(UInt32(truncatingIfNeeded: number), at: place + 20)
        image.store(entry.kind == .whiteout ? 0 : entry.userID, at: place + 24)
        image.store(entry.kind == .whiteout ? 0 : entry.groupID, at: place + 28)
        image.store(entry.modified, at: place + 32)
        image.store(linkCount, at: place + 44)
        let next = place + ErofsFormat.inodeSize
        image.store(attributes.bytes, at: next)
        switch content {
        case .file(let pieces):
            var index = ErofsFormat.roundedUp(next + attributes.bytes.count, to: ErofsFormat.chunkIndexSize)
            for block in pieces.blocks {
                // The first and only extra device.
                image.store(UInt16(1), at: index + 2)
                image.store(block, at: index + 4)
                index += ErofsFormat.chunkIndexSize
            }
        case .link(let target): image.store(target, at: isInline ? next : blocks)
        case .none, .directory: break
        }
    }
}
