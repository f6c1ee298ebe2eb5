internal import CSandbox
internal import Glibc
internal import SystemPackage

/// How a process ended.
public enum SandboxExit: Sendable, Equatable {
    /// It ended by itself, with this code.
    case exited(Int32)
    /// This signal ended it.
    case signalled(Int32)

    /// The code as a shell reports it: 128 + *n* for a signal.
    public var code: Int32 {
        switch self {
        case .exited(let code): code
        case .signalled(let signal): 128 + signal
        }
    }
}

/// One of the two streams a process writes.
public enum SandboxOutputStream: Sendable, Equatable {
    /// Standard output.
    case output
    /// Standard error.
    case error
}

/// A process that is running in its sandbox; the first in its process namespace, as in Docker.
///
/// When it ends, the kernel ends everything it started. When this program ends, however, the kernel ends it. SIGTERM
/// has no effect on it unless it has a handler (`pid_namespaces(7)`): use SIGKILL to be sure.
/// Dropping the value does not end the process, but leaves its exit uncollected.
public final class SandboxProcess: Sendable {
    /// The process ID outside.
    public let processID: Int32
    /// A descriptor that becomes readable when the process ends, -1 where the kernel has none; owned by this value.
    public let processDescriptor: Int32
    /// What was made in the root to mount something on, parents first.
    public let createdMountPoints: [CreatedMountPoint]

    init(processID: Int32, processDescriptor: Int32, createdMountPoints: [CreatedMountPoint]) {
        self.processID = processID
        self.processDescriptor = processDescriptor
        self.createdMountPoints = createdMountPoints
    }

    /// Starts a process and returns when its program is executing; blocks for about two milliseconds.
    ///
    /// - Throws: `SandboxError`; no process and no mount is left then. A program that cannot be found is such an error.
    public static func launch(_ configuration: SandboxConfiguration) throws(SandboxError) -> SandboxProcess {
        throw SandboxError(.environment, "not there yet", errno: Errno(rawValue: ENOSYS))
    }

    /// Waits for the end of the process and collects it; more calls, from any thread, give the same result.
    public func wait() throws(SandboxError) -> SandboxExit {
        throw SandboxError(.environment, "not there yet", errno: Errno(rawValue: ENOSYS))
    }

    /// Sends a signal; nothing happens when the process has ended.
    ///
    /// SIGKILL ends everything in its process namespace, or its process group under `SandboxIsolation.chroot`.
    public func kill(_ signal: Int32 = 9) {
    }

    /// Reads what the process writes until it has ended and both pipes are empty; blocks as long.
    ///
    /// Only for `SandboxStreams.captured`, once. Call it even when the output is not wanted: a full pipe stops the
    /// process. Bytes are only valid inside the closure and may end in the middle of a character. When `body` throws,
    /// reading stops, and the process gets SIGPIPE on its next write.
    public func readOutput(
        _ body: (SandboxOutputStream, UnsafeRawBufferPointer) throws -> Void
    ) throws {
    }
}

