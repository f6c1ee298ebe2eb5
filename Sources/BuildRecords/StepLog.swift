internal import FileSystem
internal import Glibc
internal import Synchronization
public import SystemPackage

/// A log while its step runs, written as it comes; there is no file before the first byte.
///
/// That it cannot be written is no reason to fail.
public final class StepLog: Sendable {
    private let path: FilePath
    /// -1 before the first byte, -2 where it cannot be written.
    private let descriptor = Mutex<Int32>(-1)

    public init(_ path: FilePath) {
        self.path = path
    }

    deinit {
        let open = descriptor.withLock { $0 }
        if open >= 0 { close(open) }
    }

    public func append(_ bytes: [UInt8]) {
        descriptor.withLock { descriptor in
            if descriptor == -1 {
                try? FileOperations.createDirectories(path.removingLastComponent(), permissions: 0o700)
                descriptor = (try? FileOperations.open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK, 0o600)) ?? -2
            }
            guard descriptor >= 0 else { return }
            let open = descriptor
            do {
                try bytes.withUnsafeBytes { try FileOperations.write($0, to: open, path: path) }
            } catch {
                close(open)
                descriptor = -2
            }
        }
    }
}
