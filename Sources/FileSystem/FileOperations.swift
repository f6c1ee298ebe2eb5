internal import CLinux
internal import Glibc
public import SystemPackage

extension FilePath {
    /// The path from the root of the filesystem; one that is so already stays as it is.
    public var absolute: FilePath {
        guard !isAbsolute else { return self }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let current = getcwd(&buffer, buffer.count) == nil ? "/" : FilePath(platformString: buffer)
        return current.pushing(self).lexicallyNormalized()
    }

    /// The absolute path without symbolic links; `nil` where there is nothing.
    public var resolved: FilePath? {
        guard let path = withPlatformString({ realpath($0, nil) }) else { return nil }
        defer { free(path) }
        return FilePath(platformString: path)
    }

    /// The path with further components given as bytes, which need not be UTF-8.
    public func appending(bytes: some Collection<UInt8>) -> FilePath {
        let own = withPlatformString { Array(UnsafeBufferPointer(start: $0, count: strlen($0))) }
        return FilePath(
            platformString: own + [CChar(bitPattern: UInt8(ascii: "/"))] + bytes.map { CChar(bitPattern: $0) } + [0]
        )
    }
}

/// Whole-file and whole-tree operations with errors that name the path.
public enum FileOperations {
    /// Opens as `OwnedDescriptor` does; the caller closes the descriptor.
    public static func open(_ path: FilePath, _ flags: Int32, _ permissions: UInt32 = 0) throws(SystemError) -> Int32 {
        try OwnedDescriptor(path, flags, permissions).release()
    }

    /// Reads a whole file, at most `limit` bytes.
    ///
    /// - Throws: `SystemError`, with `.fileTooLarge` when the file is longer than `limit`.
    public static func read(_ path: FilePath, limit: Int = 1 << 30) throws(SystemError) -> [UInt8] {
        let file = try OwnedDescriptor(path, O_RDONLY)
        return try read(descriptor: file.rawValue, path: path, limit: limit)
    }

    /// Reads a whole regular file, at most `limit` bytes.
    ///
    /// - Throws: As `read`, and as `OwnedDescriptor(regularFile:)`.
    public static func readRegular(_ path: FilePath, limit: Int = 1 << 30) throws(SystemError) -> [UInt8] {
        let file = try OwnedDescriptor(regularFile: path)
        return try read(descriptor: file.rawValue, path: path, limit: limit)
    }

    /// Reads at most the first `count` bytes of a regular file.
    public static func readPrefix(_ path: FilePath, count: Int) throws(SystemError) -> [UInt8] {
        let file = try OwnedDescriptor(regularFile: path)
        var bytes = [UInt8](repeating: 0, count: count)
        let got = bytes.withUnsafeMutableBytes { pread(file.rawValue, $0.baseAddress, $0.count, 0) }
        guard got >= 0 else { throw SystemError("read", path) }
        return Array(bytes.prefix(got))
    }

    /// Reads an open file to its end, at most `limit` bytes.
    public static func read(descriptor: Int32, path: FilePath, limit: Int = 1 << 30) throws(SystemError) -> [UInt8] {
        var result: [UInt8] = []
        var raw = stat()
        let expected = fstat(descriptor, &raw) == 0 ? min(max(Int(raw.st_size), 0), limit) : 0
        var chunk = [UInt8](repeating: 0, count: min(max(expected + 1, 4096), 1 << 20))
        while true {
            let count = chunk.withUnsafeMutableBytes { bytes in
                uninterrupted { Glibc.read(descriptor, bytes.baseAddress, bytes.count) }
            }
            guard count >= 0 else { throw SystemError("read", path) }
            if count == 0 { return result }
            guard result.count + count <= limit else { throw SystemError("read", path, errno: .fileTooLarge) }
            result.append(contentsOf: chunk[..<count])
        }
    }

    /// Hands on an open file to its end, piece by piece.
    ///
    /// - Throws: `SystemError`, what `body` throws.
    public static func forEachPiece(
        of descriptor: Int32,
        path: FilePath,
        _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            let count = uninterrupted { Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
            guard count >= 0 else { throw SystemError("read", path) }
            if count == 0 { return }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    /// Writes a file in place of whatever is at `path`, so that a reader sees the old or the new bytes and nothing between.
    ///
    /// - Parameter temporary: A directory on the same filesystem for the file while it is written.
    public static func writeAtomically(
        _ bytes: some Collection<UInt8>,
        to path: FilePath,
        temporary: FilePath,
        permissions: UInt32 = 0o644
    ) throws(SystemError) {
        let file = try TemporaryFile(in: temporary, permissions: permissions)
        try file.write(bytes)
        try file.replace(path)
    }

    /// Pieces of at least this many bytes of a layer go past the page cache, where they would only displace what is in
    /// use (`docs/decisions/0009-layers-past-the-page-cache.md`).
    private static let uncachedSize = 1 << 18

    /// Fills a buffer with the bytes at an offset of a layer or another large file, as far as the file has them.
    ///
    /// - Parameter bypassesPageCache: Whether much at once is read past it.
    /// - Returns: The number of bytes read, fewer than the buffer has only at the end of the file.
    public static func read(
        _ buffer: UnsafeMutableRawBufferPointer,
        from descriptor: Int32,
        at offset: Int64,
        bypassesPageCache: Bool = true,
        path: @autoclosure () -> FilePath
    ) throws(SystemError) -> Int {
        var position = 0
        while position < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[position...])
            let place = off_t(offset) + off_t(position)
            let count = uninterrupted {
                bypassesPageCache && rest.count >= uncachedSize
                    ? sb_pread_uncached(descriptor, rest.baseAddress, rest.count, place)
                    : pread(descriptor, rest.baseAddress, rest.count, place)
            }
            guard count >= 0 else { throw SystemError("read", path()) }
            if count == 0 { break }
            position += count
        }
        return position
    }

    /// Writes all bytes to a descriptor.
    ///
    /// - Parameter isForLater: Whether they are unlikely to be read soon, so that much at once goes past the page
    ///   cache.
    public static func write(
        _ bytes: UnsafeRawBufferPointer,
        to descriptor: Int32,
        path: FilePath,
        isForLater: Bool = false
    ) throws(SystemError) {
        var position = 0
        while position < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
            let count = uninterrupted {
                isForLater && rest.count >= uncachedSize
                    ? sb_write_uncached(descriptor, rest.baseAddress, rest.count)
                    : Glibc.write(descriptor, rest.baseAddress, rest.count)
            }
            guard count >= 0 else { throw SystemError("write", path) }
            position += count
        }
    }

    /// Copies `size` bytes from an offset of one open file to the position of another, inside the kernel where it can,
    /// which shares blocks on filesystems that are able to.
    ///
    /// - Returns: The bytes copied, fewer than `size` only when the source ended.
    public static func copy(
        from source: Int32,
        offset: Int64,
        size: Int64,
        to target: Int32,
        path: FilePath
    ) throws(SystemError) -> Int64 {
        var position = off_t(offset)
        let end = off_t(offset + size)
        while position < end {
            let wanted = Int(min(end - position, 1 << 30))
            let count = uninterrupted { sb_copy_file_range(source, &position, target, wanted) }
            if count == 0 { break }
            if count > 0 { continue }
            switch Errno.current {
            case .improperLink, .notSupported, .noFunction, .invalidArgument, .badFileDescriptor:
                return try copyThroughMemory(from: source, &position, end, to: target, path: path) - offset
            default: throw SystemError("write", path)
            }
        }
        return Int64(position) - offset
    }

    private static func copyThroughMemory(
        from source: Int32,
        _ position: inout off_t,
        _ end: off_t,
        to target: Int32,
        path: FilePath
    ) throws(SystemError) -> Int64 {
        var buffer = [UInt8](repeating: 0, count: 1 << 17)
        while position < end {
            let wanted = Int(min(end - position, off_t(buffer.count)))
            let count = buffer.withUnsafeMutableBytes { bytes in
                uninterrupted { pread(source, bytes.baseAddress, wanted, position) }
            }
            guard count >= 0 else { throw SystemError("read", path) }
            if count == 0 { break }
            let result: Result<Void, SystemError> = buffer.withUnsafeBytes { bytes in
                Result { () throws(SystemError) in
                    try write(UnsafeRawBufferPointer(rebasing: bytes[..<count]), to: target, path: path)
                }
            }
            try result.get()
            position += off_t(count)
        }
        return Int64(position)
    }

    /// Makes a directory and the parents it needs; one that exists already is fine.
    public static func createDirectories(_ path: FilePath, permissions: UInt32 = 0o755) throws(SystemError) {
        if path.withPlatformString({ mkdir($0, permissions) }) == 0 { return }
        switch Errno.current {
        case .fileExists:
            return
        case .noSuchFileOrDirectory where !path.removingLastComponent().isEmpty:
            try createDirectories(path.removingLastComponent(), permissions: permissions)
            if path.withPlatformString({ mkdir($0, permissions) }) == 0 || Errno.current == .fileExists { return }
            fallthrough
        default:
            throw SystemError("create directory", path)
        }
    }

    /// The names in a directory without `.` and `..`, sorted.
    public static func names(in path: FilePath) throws(SystemError) -> [[UInt8]] {
        let directory = try OwnedDescriptor(path, O_RDONLY | O_DIRECTORY)
        return try names(inDirectory: directory.rawValue, path: path)
    }

    /// The names in an open directory without `.` and `..`, sorted; the descriptor stays open.
    public static func names(inDirectory descriptor: Int32, path: FilePath) throws(SystemError) -> [[UInt8]] {
        let names = try DirectoryNames(descriptor, path: path)
        return (0..<names.count).map { names[$0] }
    }

    /// Removes a file or a whole tree without following symbolic links; nothing there is fine.
    public static func removeTree(_ path: FilePath) throws(SystemError) {
        if path.withPlatformString({ unlink($0) }) == 0 { return }
        switch Errno.current {
        case .noSuchFileOrDirectory: return
        case .isDirectory, .notPermitted, .permissionDenied: break
        default: throw SystemError("remove", path)
        }
        guard
            let parent = try? OwnedDescriptor(
                path.removingLastComponent().isEmpty ? "." : path.removingLastComponent(),
                O_RDONLY | O_DIRECTORY
            )
        else { throw SystemError("remove", path) }
        let name =
            path.lastComponent.map { component in
                component.withPlatformString { pointer in (0..<strlen(pointer)).map { UInt8(bitPattern: pointer[$0]) } }
            } ?? []
        try removeTree(name, in: parent.rawValue, path: path)
    }

    private static func removeTree(_ name: [UInt8], in parent: Int32, path: FilePath) throws(SystemError) {
        let chain = try DirectoryChain(root: parent, path: path)
        /// For the root and each directory on the way down, what is still to be removed in it.
        var waiting = [[name.map { CChar(bitPattern: $0) } + [0]]]
        while let child = waiting[waiting.count - 1].last {
            if try unlinked(child, in: chain, path) {
                waiting[waiting.count - 1].removeLast()
            } else {
                try enterToRemove(child, chain, path)
                waiting.append(
                    try names(inDirectory: chain.descriptor, path: path).map { $0.map { CChar(bitPattern: $0) } + [0] }
                )
            }
            while waiting.count > 1, waiting[waiting.count - 1].isEmpty {
                waiting.removeLast()
                do { try chain.leave() } catch { throw SystemError("remove", path) }
                guard let directory = waiting[waiting.count - 1].popLast() else { break }
                if unlinkat(chain.descriptor, directory, AT_REMOVEDIR) != 0, Errno.current != .noSuchFileOrDirectory {
                    throw SystemError("remove", path)
                }
            }
        }
    }

    /// Whether there is nothing of this name any more; otherwise it is a directory.
    private static func unlinked(_ name: [CChar], in chain: DirectoryChain, _ path: FilePath) throws(SystemError)
        -> Bool
    {
        if unlinkat(chain.descriptor, name, 0) == 0 || Errno.current == .noSuchFileOrDirectory { return true }
        if Errno.current == .permissionDenied, chain.depth > 0 {
            // A directory without write permission, as RUN may leave it to an ordinary user.
            fchmod(chain.descriptor, 0o700)
            if unlinkat(chain.descriptor, name, 0) == 0 || Errno.current == .noSuchFileOrDirectory { return true }
        }
        let error = SystemError("remove", path)
        guard FileStatus.of(name, in: chain.descriptor)?.kind == .directory else { throw error }
        return false
    }

    private static func enterToRemove(_ name: [CChar], _ chain: DirectoryChain, _ path: FilePath) throws(SystemError) {
        do throws(SystemError) {
            try chain.enter(name)
        } catch {
            guard error.errno == .permissionDenied, fchmodat(chain.descriptor, name, 0o700, 0) == 0 else {
                throw SystemError("remove", path, errno: error.errno)
            }
            try chain.enter(name)
        }
    }

    /// Moves a file or directory over `target` in one step.
    public static func rename(_ path: FilePath, to target: FilePath) throws(SystemError) {
        let result = path.withPlatformString { from in target.withPlatformString { Glibc.rename(from, $0) } }
        guard result == 0 else { throw SystemError("rename to `\(target)`", path) }
    }

    /// Sets a file's times to now, as far as that is allowed.
    public static func touch(_ path: FilePath) {
        _ = path.withPlatformString { utimensat(AT_FDCWD, $0, nil, 0) }
    }

    /// Removes one file; nothing there is fine.
    public static func remove(_ path: FilePath) throws(SystemError) {
        guard path.withPlatformString({ unlink($0) }) == 0 || Errno.current == .noSuchFileOrDirectory else {
            throw SystemError("remove", path)
        }
    }
}
