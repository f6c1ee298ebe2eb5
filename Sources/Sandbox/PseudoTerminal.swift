internal import CSandbox
public import FileSystem
internal import Glibc
internal import SystemPackage

/// A pair of connected terminals: a process in a sandbox gets one end, this program holds the other.
public final class PseudoTerminal: Sendable {
    private let outer: OwnedDescriptor
    private let inner: OwnedDescriptor
    /// The end this program reads and writes.
    public var controller: Int32 { outer.rawValue }
    /// The end for `SandboxStreams.terminal`.
    public var processEnd: Int32 { inner.rawValue }

    /// Opens a new pair.
    ///
    /// - Throws: `SandboxError`.
    public init() throws(SandboxError) {
        var ends: (Int32, Int32) = (-1, -1)
        guard sb_open_terminal(&ends.0, &ends.1) == 0, let outer = OwnedDescriptor(ends.0),
            let inner = OwnedDescriptor(ends.1)
        else { throw SandboxError(.environment, "could not open a terminal", errno: .current) }
        self.outer = outer
        self.inner = inner
    }

    /// Opens the other end of a pair that `/dev/ptmx` of some container has made.
    ///
    /// - Throws: `SandboxError`, where the file is something else.
    public init(_ controller: consuming OwnedDescriptor) throws(SandboxError) {
        let end = sb_open_terminal_peer(controller.rawValue)
        guard let inner = OwnedDescriptor(end) else {
            throw SandboxError(.environment, "could not open a terminal", errno: .current)
        }
        outer = controller
        self.inner = inner
    }

    /// The path of an open terminal.
    static func path(of descriptor: Int32) -> String? {
        var name = [CChar](repeating: 0, count: 128)
        guard ttyname_r(descriptor, &name, name.count) == 0 else { return nil }
        return name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
    }

    /// Gives the pair the size of another terminal; without effect when `terminal` is none.
    public func copySize(from terminal: Int32) {
        var size = winsize()
        guard ioctl(terminal, UInt(TIOCGWINSZ), &size) == 0 else { return }
        _ = ioctl(controller, UInt(TIOCSWINSZ), &size)
    }

    /// Carries bytes between the caller's terminal and the process until it ends; blocks as long.
    ///
    /// Forwards changes of the window's size, for which it takes over SIGWINCH. When `input` ends, the process sees the
    /// end of its input. Put the caller's terminal into raw mode with `RawTerminalMode` around this.
    ///
    /// - Throws: `SandboxError`.
    public func relay(input: Int32, output: Int32, untilEndOf process: SandboxProcess) throws(SandboxError) {
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        copySize(from: output)
        let isReadable = Int16(POLLIN)
        var entries = [controller, process.endDescriptor, input, sb_window_changes()].map {
            pollfd(fd: $0, events: isReadable, revents: 0)
        }
        var inputHasEnded = false
        while true {
            if uninterrupted({ poll(&entries, nfds_t(entries.count), inputHasEnded ? 100 : -1) }) < 0 {
                throw SandboxError(.environment, "could not wait for the terminal", errno: .current)
            }
            if entries[3].revents != 0 {
                _ = read(entries[3].fd, &buffer, buffer.count)
                copySize(from: output)
            }
            if entries[2].revents != 0, !forward(input, controller, &buffer) {
                inputHasEnded = true
                entries[2].fd = -1
            }
            if inputHasEnded { endInput() }
            if entries[0].revents & isReadable != 0 {
                guard forward(controller, output, &buffer) else { return }
            } else if entries[1].revents != 0 || entries[0].revents != 0 {
                return
            }
        }
    }

    /// Presses Control-D, which is how a terminal says that its input has ended, unless there is something to read.
    ///
    /// Once is not enough: the first one ends a line that is not finished, and a process that sets the modes of its
    /// terminal throws away what was typed before.
    public func endInput() {
        var waiting: Int32 = 0
        guard ioctl(processEnd, UInt(FIONREAD), &waiting) == 0, waiting == 0 else { return }
        _ = write(controller, [4], 1)
    }

    /// Moves what there is from one descriptor to another: false at the end.
    private func forward(_ source: Int32, _ target: Int32, _ buffer: inout [UInt8]) -> Bool {
        let count = uninterrupted { read(source, &buffer, buffer.count) }
        guard count > 0 else { return false }
        let result: Void? = buffer.withUnsafeBytes { bytes in
            try? FileOperations.write(UnsafeRawBufferPointer(rebasing: bytes[..<count]), to: target, path: "terminal")
        }
        return result != nil
    }
}

/// Raw mode of the caller's terminal, in which each key goes to the process at once, until `restore()` is called.
public struct RawTerminalMode: ~Copyable {
    private let terminal: Int32
    private var before: termios

    /// Switches the terminal over; `nil` when the descriptor is not a terminal.
    public init?(_ terminal: Int32) {
        self.terminal = terminal
        before = termios()
        guard tcgetattr(terminal, &before) == 0 else { return nil }
        var raw = before
        cfmakeraw(&raw)
        guard tcsetattr(terminal, TCSADRAIN, &raw) == 0 else { return nil }
    }

    deinit {
        var before = before
        tcsetattr(terminal, TCSADRAIN, &before)
    }

    /// Gives the terminal back its modes, as dropping the value does.
    public consuming func restore() {}
}
