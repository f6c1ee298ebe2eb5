internal import FileSystem
internal import Glibc
internal import Synchronization
public import SystemPackage

/// A log while its step runs, written as it comes; there is no file before the first byte.
///
/// A log that cannot be written does not fail the build.
public final class StepLog: Sendable {
    private struct State: ~Copyable {
        /// Whether a byte came, after which there is no file only where it cannot be written.
        var isBegun = false
        var file: OwnedDescriptor?
    }

    private let path: FilePath
    private let state = Mutex(State())

    public init(_ path: FilePath) {
        self.path = path
    }

    public func append(_ bytes: [UInt8]) {
        state.withLock { state in
            if !state.isBegun {
                state.isBegun = true
                try? FileOperations.createDirectories(path.removingLastComponent(), permissions: 0o700)
                state.file = try? OwnedDescriptor(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK, 0o600)
            }
            guard let descriptor = state.file.rawValue else { return }
            let isWritten: Void? = try? bytes.withUnsafeBytes {
                try FileOperations.write($0, to: descriptor, path: path)
            }
            if isWritten == nil { state.file = nil }
        }
    }
}
