/// What is fixed in our EROFS images (Linux, `fs/erofs/erofs_fs.h`; Documentation/filesystems/erofs.rst).
enum ErofsFormat {
    /// The smallest blocks there are: contents in a tar begin at multiples of 512.
    static let blockBits = 9
    static let blockSize = 1 << blockBits
    /// Inodes have numbers by their place.
    static let slotSize = 32
    /// What a program may use as it likes comes first, as a boot sector would.
    static let superblock = 1024
    static let superblockSize = 128
    /// Where the superblock has the identifier of the filesystem.
    static let identifier = superblock + 48..<superblock + 64
    /// The device table follows the superblock, and a whole block later the first inode: that of the root.
    static let deviceSlot = superblock + superblockSize
    static let deviceSlotSize = 128
    static let firstInode = 1536

    static let magic: UInt32 = 0xE0F5_E1E2
    /// EROFS_FEATURE_COMPAT_MTIME.
    static let compatible: UInt32 = 2
    /// EROFS_FEATURE_INCOMPAT_CHUNKED_FILE and EROFS_FEATURE_INCOMPAT_DEVICE_TABLE.
    static let incompatible: UInt32 = 4 | 8

    /// How the content of an inode is laid out: `i_format`, always with the bit of the 64-byte form.
    enum Layout: UInt16 {
        /// In blocks of the image, one behind the other.
        case plain = 0b0001
        /// Right behind the inode, in the same block.
        case inline = 0b0101
        /// In pieces of a size that the inode names, each on any device.
        case chunks = 0b1001
    }

    static let inodeSize = 64
    /// EROFS_CHUNK_FORMAT_INDEXES: pieces have eight bytes, which name a device.
    static let chunkIndexes: UInt32 = 0x20
    static let chunkIndexSize = 8
    static let longestName = 255
    /// `PATH_MAX` without the zero byte.
    static let longestLink = 4095
    /// No block; it stands for a hole.
    static let noBlock = UInt32.max

    static func roundedUp(_ value: Int, to unit: Int) -> Int { (value + unit - 1) / unit * unit }
}
