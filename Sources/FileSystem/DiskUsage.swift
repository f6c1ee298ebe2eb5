internal import Glibc
public import SystemPackage

/// The bytes that files take up on the disk, counted as du(1) does: blocks, directories included, each inode once.
public struct DiskUsage: Sendable {
    private struct Inode: Hashable {
        let device: UInt64
        let number: UInt64
    }

    /// Bytes of everything that was added.
    public private(set) var total: Int64 = 0
    /// Bytes that removing all of it would free: a file with a further name elsewhere frees nothing.
    public private(set) var freed: Int64 = 0
    /// For files with several names, how many of these were seen.
    private var seen: [Inode: UInt64] = [:]

    public init() {}

    /// What one file or tree takes up.
    public static func of(_ path: FilePath) -> DiskUsage {
        var usage = DiskUsage()
        usage.add(path)
        return usage
    }

    /// Adds a file or a whole tree; what is not there or cannot be read counts nothing.
    ///
    /// - Returns: The bytes by which `total` grew.
    @discardableResult
    public mutating func add(_ path: FilePath) -> Int64 {
        let before = total
        var raw = stat()
        guard path.withPlatformString({ lstat($0, &raw) }) == 0 else { return 0 }
        count(raw)
        if raw.st_mode & Glibc.S_IFMT == Glibc.S_IFDIR, let chain = try? DirectoryChain(root: path) {
            try? addContent(of: chain, path)
        }
        return total - before
    }

    private mutating func addContent(of chain: DirectoryChain, _ path: FilePath) throws {
        /// For the root and each directory on the way down, the directories in it that are still to be counted.
        var waiting = [try children(of: chain, path)]
        while true {
            if let child = waiting[waiting.count - 1].popLast() {
                if (try? chain.enter(child)) != nil { waiting.append(try children(of: chain, path)) }
            } else {
                waiting.removeLast()
                guard !waiting.isEmpty else { return }
                try chain.leave()
            }
        }
    }

    /// Counts what is in a directory.
    ///
    /// - Returns: The directories in it.
    private mutating func children(of chain: DirectoryChain, _ path: FilePath) throws -> [[CChar]] {
        var result: [[CChar]] = []
        for name in try FileOperations.names(inDirectory: chain.descriptor, path: path) {
            let name = name.map { CChar(bitPattern: $0) } + [0]
            var raw = stat()
            guard fstatat(chain.descriptor, name, &raw, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            count(raw)
            if raw.st_mode & Glibc.S_IFMT == Glibc.S_IFDIR { result.append(name) }
        }
        return result
    }

    private mutating func count(_ raw: stat) {
        let bytes = Int64(raw.st_blocks) * 512
        guard raw.st_nlink > 1, raw.st_mode & Glibc.S_IFMT != Glibc.S_IFDIR else {
            total += bytes
            freed += bytes
            return
        }
        let inode = Inode(device: UInt64(raw.st_dev), number: UInt64(raw.st_ino))
        let names = (seen[inode] ?? 0) + 1
        seen[inode] = names
        if names == 1 { total += bytes }
        if names == UInt64(raw.st_nlink) { freed += bytes }
    }

    /// The bytes that the current user may still write to the filesystem of a path.
    public static func free(at path: FilePath) throws(SystemError) -> Int64 {
        var raw = statvfs()
        guard path.withPlatformString({ statvfs($0, &raw) }) == 0 else { throw SystemError("read the status of", path) }
        let (bytes, overflow) = Int64(clamping: raw.f_bavail).multipliedReportingOverflow(by: Int64(raw.f_frsize))
        return overflow ? .max : bytes
    }
}
