internal import Glibc
public import SystemPackage

/// Writes bytes to a new file one after the other, and leaves a hole wherever many of them are zero.
///
/// A hole reads as zeros and takes up nothing on the disk. `useradd -u 1000000000` makes a file of 292 GB that is nearly
/// nothing but one.
public struct SparseWriter: Sendable {
    private let descriptor: Int32
    private let path: FilePath
    /// Bytes so far, those in holes included.
    public private(set) var count: Int64 = 0
    /// Whether the file is still shorter than `count`.
    private var endsWithHole = false

    /// Only whole blocks of a file can be a hole.
    private static let blockSize = 4096
    /// Shorter runs of zeros are written: each hole costs the filesystem an extent.
    static let smallestHole = 4 * blockSize

    /// - Parameters:
    ///   - descriptor: Of an empty file, at its start; it stays the caller's.
    ///   - path: For messages.
    public init(descriptor: Int32, path: FilePath) {
        self.descriptor = descriptor
        self.path = path
    }

    /// Appends bytes.
    ///
    /// - Parameter isForLater: Whether they are unlikely to be read soon.
    public mutating func write(_ bytes: UnsafeRawBufferPointer, isForLater: Bool = false) throws(SystemError) {
        var written = 0
        let misalignment = Int(count % Int64(SparseWriter.blockSize))
        var place = misalignment == 0 ? 0 : SparseWriter.blockSize - misalignment
        while place + SparseWriter.blockSize <= bytes.count {
            let end = SparseWriter.endOfZeros(bytes, from: place)
            if end - place >= SparseWriter.smallestHole {
                try put(UnsafeRawBufferPointer(rebasing: bytes[written..<place]), isForLater)
                guard lseek(descriptor, off_t(end - place), SEEK_CUR) >= 0 else { throw SystemError("write", path) }
                count += Int64(end - place)
                endsWithHole = true
                written = end
            }
            place = max(end, place + SparseWriter.blockSize)
        }
        try put(UnsafeRawBufferPointer(rebasing: bytes[written...]), isForLater)
    }

    /// Gives the file its whole length; nothing may be written after it.
    public mutating func finish() throws(SystemError) {
        guard endsWithHole else { return }
        guard ftruncate(descriptor, off_t(count)) == 0 else { throw SystemError("write", path) }
        endsWithHole = false
    }

    private mutating func put(_ bytes: UnsafeRawBufferPointer, _ isForLater: Bool) throws(SystemError) {
        guard !bytes.isEmpty else { return }
        try FileOperations.write(bytes, to: descriptor, path: path, isForLater: isForLater)
        count += Int64(bytes.count)
        endsWithHole = false
    }

    /// Where the blocks of zeros end that begin at a place; the place itself where there is none.
    private static func endOfZeros(_ bytes: UnsafeRawBufferPointer, from place: Int) -> Int {
        var end = place
        while end + blockSize <= bytes.count, isZero(bytes, block: end) { end += blockSize }
        return end
    }

    private static func isZero(_ bytes: UnsafeRawBufferPointer, block: Int) -> Bool {
        // Nearly every block shows in its first word that it is none.
        guard let base = bytes.baseAddress, bytes.loadUnaligned(fromByteOffset: block, as: UInt64.self) == 0 else {
            return false
        }
        return memcmp(base + block, base + block + 8, blockSize - 8) == 0
    }
}

/// The holes of a file that is read.
public struct FileHoles: Sendable {
    private let descriptor: Int32
    private let size: Int64

    /// `nil` for a file that has none, or of which that cannot be found out.
    ///
    /// Asking moves the descriptor's position, so those that share it must say where to read.
    public init?(of descriptor: Int32) {
        var raw = stat()
        guard fstat(descriptor, &raw) == 0, raw.st_mode & Glibc.S_IFMT == Glibc.S_IFREG,
            Int64(raw.st_blocks) * 512 < Int64(raw.st_size)
        else { return nil }
        self.descriptor = descriptor
        size = Int64(raw.st_size)
    }

    /// Where the hole at an offset ends, at most at `limit`; the offset itself where there is data.
    public func endOfHole(at offset: Int64, limit: Int64) -> Int64 {
        // SEEK_DATA and SEEK_HOLE; glibc's header hides them from Swift behind _GNU_SOURCE.
        let data = lseek(descriptor, off_t(offset), 3)
        if data >= 0 { return min(Int64(data), limit) }
        return Errno.current == .noSuchAddressOrDevice ? max(min(size, limit), offset) : offset
    }

    /// Where the data at an offset ends, at most at `limit`.
    public func endOfData(at offset: Int64, limit: Int64) -> Int64 {
        let hole = lseek(descriptor, off_t(offset), 4)
        return hole > off_t(offset) ? min(Int64(hole), limit) : limit
    }
}

extension FileOperations {
    /// Smaller pieces are copied with their holes: tmpfs looks at every page up to the next hole to find it, and that may
    /// be at the end of a whole layer.
    private static let smallestSparseFile: Int64 = 1 << 20

    /// The same as `copy` for a new file: what is a hole in the source is one in the target.
    ///
    /// - Parameter target: A regular file that ends at its position.
    public static func copySparsely(
        from source: Int32,
        offset: Int64,
        size: Int64,
        to target: Int32,
        path: FilePath
    ) throws(SystemError) -> Int64 {
        guard size >= smallestSparseFile, let holes = FileHoles(of: source) else {
            return try copy(from: source, offset: offset, size: size, to: target, path: path)
        }
        let end = offset + size
        var position = offset
        /// Of the target, where it ends with a hole, which only writing would make part of it.
        var length: off_t = 0
        while position < end {
            let data = holes.endOfHole(at: position, limit: end)
            if data > position {
                length = lseek(target, off_t(data - position), SEEK_CUR)
                guard length >= 0 else { throw SystemError("write", path) }
                position = data
                continue
            }
            let wanted = holes.endOfData(at: position, limit: end) - position
            let copied = try copy(from: source, offset: position, size: wanted, to: target, path: path)
            position += copied
            if copied > 0 { length = 0 }
            if copied < wanted { break }
        }
        if length > 0, ftruncate(target, length) != 0 { throw SystemError("write", path) }
        return position - offset
    }
}
