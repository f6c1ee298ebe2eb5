internal import FileSystem
internal import Glibc
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
    let output: AnonymousPipe
    let error: AnonymousPipe

    init() throws(SandboxError) {
        do {
            output = try AnonymousPipe()
            error = try AnonymousPipe()
        } catch {
            throw SandboxError(.environment, "could not make a pipe", errno: error)
        }
        for pipe in [output, error] { _ = fcntl(pipe.reader, F_SETFL, O_NONBLOCK) }
    }

    /// Leaves the process as the only one that can write.
    func closeWriters() {
        output.closeWriter()
        error.closeWriter()
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
            pollfd(fd: output.reader, events: isReadable, revents: 0),
            pollfd(fd: error.reader, events: isReadable, revents: 0),
            pollfd(fd: process.endDescriptor, events: isReadable, revents: 0),
        ]
        while entries[0].fd >= 0 || entries[1].fd >= 0 {
            if uninterrupted({ poll(&entries, 3, -1) }) < 0 {
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
            let count = uninterrupted { Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
            if count == 0 { return true }
            if count < 0 {
                if Errno.current == .wouldBlock { return false }
                throw SandboxError(.environment, "could not read output", errno: .current)
            }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        } while !once
        return false
    }
}
