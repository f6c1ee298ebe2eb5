internal import FileSystem
internal import Glibc
public import SystemPackage

/// A directory for one test, removed with the last use of this value.
///
/// Not below `/tmp`, which may be in memory, where files cannot have all attributes.
public final class ScratchDirectory: Sendable {
    public static let parent: FilePath = "/var/tmp"

    public let path: FilePath

    public init() throws {
        path = Self.parent.appending("swiftbuild-test-\(getpid())-\(UInt64.random(in: 0 ... .max))")
        try FileOperations.createDirectories(path)
        // Whatever the umask is: other users pass through to what is inside.
        _ = path.withPlatformString { chmod($0, 0o755) }
    }

    deinit { try? FileOperations.removeTree(path) }

    /// The path of a file, whose name may be any bytes.
    public func path(_ name: [UInt8]) -> FilePath { path.appending(bytes: name) }

    public func file(_ name: String) -> String { path.pushing(FilePath(name)).string }

    /// Writes a file in place, with its directories.
    public func write(_ name: String, _ content: String = "", permissions: UInt32 = 0o644) throws {
        try write(Array(name.utf8), content, permissions: permissions)
    }

    public func write(_ name: [UInt8], _ content: String = "", permissions: UInt32 = 0o644) throws {
        let file = path(name)
        try FileOperations.createDirectories(file.removingLastComponent())
        let descriptor = try FileOperations.open(file, O_WRONLY | O_CREAT | O_TRUNC, permissions)
        defer { close(descriptor) }
        try Array(content.utf8).withUnsafeBytes { try FileOperations.write($0, to: descriptor, path: file) }
        fchmod(descriptor, permissions)
    }

    /// Makes a symbolic link, with its directories.
    public func link(_ name: String, to target: String) throws {
        let link = path.pushing(FilePath(name))
        try FileOperations.createDirectories(link.removingLastComponent())
        guard symlink(target, link.string) == 0 else { throw SystemError("create link", link) }
    }
}

/// Does something with a new directory, which is removed afterwards.
public func withScratch<Result>(_ body: (FilePath) throws -> Result) throws -> Result {
    let scratch = try ScratchDirectory()
    defer { withExtendedLifetime(scratch) {} }
    return try body(scratch.path)
}
