internal import CSandbox
internal import FileSystem
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// One of the two streams a process writes.
public enum SandboxOutputStream: Sendable, Equatable {
    /// Standard output.
    case output
    /// Standard error.
    case error
}

/// The pipes for what a process writes.
final class OutputPipes: Sendable {
    let outputWriter: Int32
    let errorWriter: Int32
    private let outputReader: Int32
    private let errorReader: Int32
    private let hasWriters = Mutex(true)

    init() throws(SandboxError) {
        var output: [Int32] = [-1, -1]
        var error: [Int32] = [-1, -1]
        guard sb_pipe(&output) == 0 else {
            throw SandboxError(.environment, "could not make a pipe", errno: .current)
        }
        guard sb_pipe(&error) == 0 else {
            let reason = Errno.current
            close(output[0])
            close(output[1])
            throw SandboxError(.environment, "could not make a pipe", errno: reason)
        }
        (outputReader, outputWriter) = (output[0], output[1])
        (errorReader, errorWriter) = (error[0], error[1])
        _ = fcntl(outputReader, F_SETFL, O_NONBLOCK)
        _ = fcntl(errorReader, F_SETFL, O_NONBLOCK)
    }

    deinit {
        closeWriters()
        close(outputReader)
        close(errorReader)
    }

    /// Leaves the process as the only one that can write.
    func closeWriters() {
        hasWriters.withLock { hasWriters in
            guard hasWriters else { return }
            close(outputWriter)
            close(errorWriter)
            hasWriters = false
        }
    }

    /// Reads until both pipes are at their end, or the process has ended and both are empty.
    ///
    /// The second matters without a process namespace, where a child in the background may keep the pipes open.
    func read(
        untilEndOf process: SandboxProcess,
        _ body: (SandboxOutputStream, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
        defer { buffer.deallocate() }
        let isReadable = Int16(POLLIN)
        var entries = [
            pollfd(fd: outputReader, events: isReadable, revents: 0),
            pollfd(fd: errorReader, events: isReadable, revents: 0),
            pollfd(fd: process.processDescriptor, events: isReadable, revents: 0),
        ]
        while entries[0].fd >= 0 || entries[1].fd >= 0 {
            if poll(&entries, 3, -1) < 0 {
                if Errno.current == .interrupted { continue }
                throw SandboxError(.environment, "could not wait for output", errno: .current)
            }
            // Looked at before reading: what was written before the end is then in the pipes.
            let hasEnded = entries[2].fd >= 0 && entries[2].revents != 0
            for (index, stream) in [(0, SandboxOutputStream.output), (1, .error)] where entries[index].fd >= 0 {
                guard hasEnded || entries[index].revents != 0 else { continue }
                let isAtEnd = try drain(entries[index].fd, buffer, once: !hasEnded) { try body(stream, $0) }
                if isAtEnd || hasEnded { entries[index].fd = -1 }
            }
        }
    }

    /// Reads one chunk, or all there is: whether that was the end.
    private func drain(
        _ descriptor: Int32,
        _ buffer: UnsafeMutableRawBufferPointer,
        once: Bool,
        _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Bool {
        repeat {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count == 0 { return true }
            if count < 0 {
                switch Errno.current {
                case .interrupted: continue
                case .wouldBlock: return false
                default: throw SandboxError(.environment, "could not read output", errno: .current)
                }
            }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        } while !once
        return false
    }
}
