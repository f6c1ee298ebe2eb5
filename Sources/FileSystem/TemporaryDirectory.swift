internal import Glibc
public import SystemPackage

/// A directory for work in progress: locked while this value lives, removed with it.
///
/// The lock tells what is in use from what a killed process left; `sweep` removes it.
public final class TemporaryDirectory: Sendable {
    public let path: FilePath
    private let lock: FileLock

    public init(in directory: FilePath) throws(SystemError) {
        path = directory.appending("\(getpid())-\(String(UInt64.random(in: .min ... .max), radix: 36)).d")
        try FileOperations.createRoot(path, permissions: 0o700)
        lock = try FileLock.acquire(path, .exclusive)
    }

    deinit { TemporaryDirectory.remove(path) }

    /// Removes one, unless something is in it that belongs elsewhere and cannot be put back.
    private static func remove(_ path: FilePath) {
        guard (try? DisplacedFiles.restore(in: path)) != nil else { return }
        try? FileOperations.removeTree(path)
    }

    /// Removes what processes that are gone left in a directory of temporary files.
    ///
    /// Only what has been there for some seconds is looked at: between making and locking there is an instant.
    /// - Parameter process: A process that has ended, whose directories are removed at once; `nil` for those of all.
    public static func sweep(_ directory: FilePath, of process: Int32? = nil) {
        guard let names = try? FileOperations.names(in: directory), !names.isEmpty else { return }
        let now = WallClock.now
        for name in names {
            let path = directory.appending(String(decoding: name, as: UTF8.self))
            let isOfProcess = process.map { name.starts(with: Array("\($0)-".utf8)) }
            guard isOfProcess != false, let status = FileStatus.ifPresent(path),
                isOfProcess == true || status.changed < now - 10_000_000_000,
                status.kind == .directory || status.kind == .regular,
                let lock = try? FileLock.tryAcquire(path, .exclusive)
            else { continue }
            remove(path)
            withExtendedLifetime(lock) {}
        }
    }
}
