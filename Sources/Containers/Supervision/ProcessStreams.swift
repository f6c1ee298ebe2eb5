internal import CLinux
internal import FileSystem
internal import Glibc
internal import Sandbox
internal import SystemPackage

/// What a supervisor has of the standard streams of its process: pipes, or a terminal.
final class ProcessStreams {
    /// Where the process's output is read, by stream; a terminal has one only.
    private(set) var outputs: [(stream: LogStream, descriptor: Int32)] = []
    /// What the process gets.
    let streams: SandboxStreams
    private var input: Int32 = -1
    private let terminal: PseudoTerminal?
    /// The ends of the process, until it has them.
    private var processEnds: [Int32] = []
    private var pending: [UInt8] = []
    private var endsInput = false

    /// What is buffered of a client's input before no more is taken.
    static let patience = 1 << 18

    /// - Throws: `SystemError`, `SandboxError`.
    init(usesTerminal: Bool, isInteractive: Bool) throws {
        if usesTerminal {
            let terminal = try PseudoTerminal()
            self.terminal = terminal
            _ = fcntl(terminal.controller, F_SETFL, O_NONBLOCK)
            outputs = [(.output, terminal.controller)]
            input = terminal.controller
            streams = .terminal(terminal.processEnd)
            return
        }
        terminal = nil
        var descriptors: [Int32] = []
        func pipe() throws(SystemError) -> (read: Int32, write: Int32) {
            var ends: [Int32] = [-1, -1]
            guard sb_pipe_cloexec(&ends) == 0 else { throw SystemError("make a pipe", "pipe") }
            return (ends[0], ends[1])
        }
        let (output, error) = (try pipe(), try pipe())
        outputs = [(.output, output.read), (.error, error.read)]
        for (_, descriptor) in outputs { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        descriptors = [output.write, error.write]
        let inner: Int32
        if isInteractive {
            let (read, write) = try pipe()
            (inner, input) = (read, write)
            _ = fcntl(write, F_SETFL, O_NONBLOCK)
        } else {
            inner = try FileOperations.open("/dev/null", O_RDONLY)
        }
        descriptors.append(inner)
        processEnds = descriptors
        streams = .descriptors(input: inner, output: output.write, error: error.write)
    }

    deinit {
        closeProcessEnds()
        guard terminal == nil else { return }
        for (_, descriptor) in outputs { close(descriptor) }
        if input >= 0 { close(input) }
    }

    /// Leaves the process as the only one that has its ends.
    func closeProcessEnds() {
        for descriptor in processEnds { close(descriptor) }
        processEnds = []
    }

    func resize(to new: TerminalSize) {
        guard let terminal else { return }
        var size = winsize(ws_row: new.rows, ws_col: new.columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(terminal.controller, UInt(TIOCSWINSZ), &size)
    }

    // MARK: Input

    /// Where to wait until more input can be written; -1 where there is none.
    var writableDescriptor: Int32 { pending.isEmpty ? -1 : input }
    /// Whether `flush` must be called again and again: a terminal has no end, only keys that say so.
    var isPressingEnd: Bool { terminal != nil && endsInput }
    var takesInput: Bool { input >= 0 && !endsInput && pending.count < ProcessStreams.patience }

    func write(_ bytes: [UInt8]) {
        guard input >= 0, !endsInput else { return }
        pending += bytes
        flush()
    }

    /// Lets the process see the end of its input after what was written.
    func endInput() {
        guard input >= 0 else { return }
        endsInput = true
        flush()
    }

    func flush() {
        while input >= 0, !pending.isEmpty {
            let count = pending.withUnsafeBytes { Glibc.write(input, $0.baseAddress, $0.count) }
            if count > 0 {
                pending.removeFirst(count)
            } else if Errno.current == .wouldBlock {
                return
            } else if Errno.current != .interrupted {
                // The process reads no more.
                pending = []
                endsInput = terminal == nil
            }
        }
        guard endsInput, input >= 0 else { return }
        if let terminal { return terminal.endInput() }
        close(input)
        input = -1
    }

    // MARK: Output

    /// Reads what there is of a stream, at most a buffer full.
    ///
    /// - Returns: Whether there may be more at once.
    func read(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void)
        -> Bool
    {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count > 0 {
                body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                return true
            }
            if count < 0, Errno.current == .interrupted { continue }
            // A terminal without processes gives an error, and a pipe its end.
            if count == 0 || Errno.current != .wouldBlock { end(descriptor) }
            return false
        }
    }

    private func end(_ descriptor: Int32) {
        outputs.removeAll { $0.descriptor == descriptor }
        if terminal == nil { close(descriptor) }
    }
}
