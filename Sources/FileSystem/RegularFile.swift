internal import Glibc
public import SystemPackage

/// Files that only this program writes, in the place of which there may be anything at all.
extension FileOperations {
    /// Opens a regular file for reading; waits for nobody, as for the writer of a pipe, and follows no link.
    ///
    /// - Throws: `SystemError`, with `.invalidArgument` for what is no regular file.
    public static func openRegular(_ path: FilePath) throws(SystemError) -> Int32 {
        let descriptor = try open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW)
        var raw = stat()
        guard fstat(descriptor, &raw) == 0, raw.st_mode & Glibc.S_IFMT == Glibc.S_IFREG else {
            close(descriptor)
            throw SystemError("read as a file", path, errno: .invalidArgument)
        }
        return descriptor
    }

    /// Reads a whole regular file, at most `limit` bytes.
    ///
    /// - Throws: As `read`, and as `openRegular`.
    public static func readRegular(_ path: FilePath, limit: Int = 1 << 30) throws(SystemError) -> [UInt8] {
        let descriptor = try openRegular(path)
        defer { close(descriptor) }
        return try read(descriptor: descriptor, path: path, limit: limit)
    }
}
