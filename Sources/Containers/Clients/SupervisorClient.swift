internal import CLinux
internal import ContainerRuntime
internal import FileSystem
internal import Glibc
internal import OCI
internal import Synchronization
internal import SystemPackage
internal import Threads

extension ContainerRecord {
    mutating func replaceCommand(by replacement: CommandReplacement) {
        process.arguments = replacement.arguments
        process.usesTerminal = replacement.usesTerminal
        isInteractive = replacement.isInteractive
    }
}

extension Container {
    /// The same container, to be started once with another command.
    public func replacingCommand(by arguments: [String], usesTerminal: Bool, isInteractive: Bool) -> Container {
        let replacement = CommandReplacement(
            arguments: arguments,
            usesTerminal: usesTerminal,
            isInteractive: isInteractive
        )
        var container = self
        container.replacement = replacement
        container.record.replaceCommand(by: replacement)
        return container
    }

    /// Starts a supervisor, and with it the container's process.
    ///
    /// - Parameters:
    ///   - program: This program, with the arguments that make it call `Supervisor.run` with descriptor 3.
    ///   - attachment: Whether the connection shows what the process writes from its first byte on; `nil` for neither.
    /// - Returns: The connection, on which the process has been started.
    /// - Throws: `ContainerStoreError.notStarted` with Docker's exit code.
    public func start(_ program: [String], attachment: Attachment?) throws -> SupervisorConnection {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
            throw SystemError("make a socket for", directory)
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let connection = SupervisorConnection(ends[0], record.name)
        do {
            // Closed at once: where the supervisor is killed before it answers, nothing else keeps the connection open.
            defer { close(ends[1]) }
            try SupervisorProcess.spawn(program, connection: ends[1], log: directory.appending("supervisor.log"))
        }
        // Where the supervisor is gone already, it does not answer either.
        try? connection.request(
            attachment.map { .attach(input: $0.givesInput, terminal: $0.size, command: replacement) } ?? .wait
        )
        switch try connection.next() {
        case let frame? where frame.kind == .done: return connection
        case let frame? where frame.kind == .failure:
            let parts = frame.text.split(separator: " ", maxSplits: 1)
            throw ContainerStoreError.notStarted(
                parts.count == 2 ? String(parts[1]) : frame.text,
                exitCode: parts.first.flatMap { Int32($0) } ?? 125
            )
        default: throw ContainerStoreError.supervisorGone(record.name)
        }
    }

    /// Connects to the supervisor.
    ///
    /// - Throws: `ContainerStoreError.notRunning`.
    func connect(_ request: Request) throws -> SupervisorConnection {
        guard let descriptor = try ControlSocket.connect(to: directory) else {
            throw ContainerStoreError.notRunning(record.name)
        }
        let connection = SupervisorConnection(descriptor, record.name)
        try connection.request(request)
        return connection
    }

    /// Shows what the process writes from now on.
    ///
    /// - Throws: `ContainerStoreError.notRunning`.
    public func attach(_ attachment: Attachment) throws -> SupervisorConnection {
        try connect(.attach(input: attachment.givesInput, terminal: attachment.size))
    }

    /// Asks the process to end, and waits until it has; a container that does not run stays as it is.
    ///
    /// - Parameters:
    ///   - signal: `nil` for the container's own.
    ///   - timeout: Seconds until it is killed; `nil` for the container's own, -1 for never.
    public func stop(signal: Int32? = nil, timeout: Int? = nil) throws {
        try whileRunning {
            try connect(.stop(signal: signal, timeout: timeout)).waitForEnd()
            store.note("stop", id)
        }
    }

    /// Kills the process and removes the container.
    public func end() throws {
        try whileRunning { try connect(.remove).waitForEnd() }
    }

    /// Sends the process a signal; after SIGKILL it has ended, and can be removed.
    ///
    /// - Throws: `ContainerStoreError.notRunning`.
    public func kill(_ signal: Int32) throws {
        try connect(.kill(signal: signal)).waitForAnswer()
        if signal == SIGKILL { try whileRunning { try connect(.wait).waitForEnd() } }
    }

    /// Stops all processes, or lets them go on.
    ///
    /// - Throws: `ContainerStoreError.notRunning`, `.unsupported`.
    public func setPaused(_ isPaused: Bool) throws {
        try connect(isPaused ? .pause : .resume).waitForAnswer()
    }

    /// Adds an event of this container.
    public func note(_ action: String, _ attributes: [String: String] = [:]) { store.note(action, id, attributes) }

    /// Waits until the container has ended for good.
    ///
    /// - Returns: The exit code.
    public func wait() throws -> Int32 {
        var code: Int32?
        try whileRunning { code = try connect(.wait).waitForEnd() }
        return try code ?? store.container(id).state.exitCode
    }

    private func whileRunning(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch ContainerStoreError.notRunning {
            // It has ended, or is about to.
        }
        waitForState()
    }

    /// Waits until a supervisor that is ending, and no longer listens or answers, has written how the process ended.
    private func waitForState() {
        let end = Pause.now + 10_000_000_000
        while Pause.now < end, store.isSupervised(id), (try? store.container(id))?.state.isRunning ?? false {
            if let descriptor = try? ControlSocket.connect(to: directory) {
                close(descriptor)
                return
            }
            usleep(2_000)
        }
    }
}

/// What a client shares with the process of a container.
public struct Attachment: Sendable {
    public let givesInput: Bool

    let size: TerminalSize?

    /// - Parameter terminal: A descriptor of the terminal on which the process is shown; without effect for another file.
    public init(givesInput: Bool, terminal: Int32) {
        self.givesInput = givesInput
        size = TerminalSize(of: terminal)
    }
}

/// A connection to the supervisor of a container.
public final class SupervisorConnection: Sendable {
    private let descriptor: Int32
    private let container: ContainerName
    private let decoder = Mutex(FrameDecoder())
    /// Frames must not be mixed: signals are sent by another thread.
    private let writing = Mutex(())

    /// - Parameter descriptor: Owned by this value.
    init(_ descriptor: Int32, _ container: ContainerName) {
        self.descriptor = descriptor
        self.container = container
    }

    deinit { close(descriptor) }

    /// - Throws: `ContainerStoreError.notRunning` where the supervisor has ended since it was connected to.
    func request(_ request: Request) throws {
        do {
            try write(try CanonicalJSON.encode(request) + [UInt8(ascii: "\n")])
        } catch let error as SystemError where [.brokenPipe, .connectionReset].contains(error.errno) {
            throw ContainerStoreError.notRunning(container)
        }
    }

    private func write(_ bytes: [UInt8]) throws {
        try writing.withLock { _ in
            try bytes.withUnsafeBytes {
                try FileOperations.write($0, to: descriptor, path: "the container's supervisor")
            }
        }
    }

    /// Sends what is without effect once the process has ended, which the frames that come tell.
    private func send(_ frame: Frame) { try? write(frame.encoded) }

    /// The next frame; `nil` where the supervisor has ended.
    func next() throws -> Frame? {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            if let frame = try decoder.withLock({ decoder throws(ContainerStoreError) in try decoder.next() }) {
                return frame
            }
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, Errno.current == .interrupted { continue }
            guard count > 0 else { return nil }
            decoder.withLock { $0.append(buffer[..<count]) }
        }
    }

    /// - Throws: `ContainerStoreError.unsupported` with the supervisor's words, `.notRunning` where it ended before it
    ///   answered.
    func waitForAnswer() throws {
        while let frame = try next() {
            if frame.kind == .done { return }
            if frame.kind == .failure {
                throw ContainerStoreError.unsupported(String(frame.text.split(separator: " ", maxSplits: 1).last ?? ""))
            }
        }
        throw ContainerStoreError.notRunning(container)
    }

    /// - Returns: The exit code; `nil` where the supervisor was killed.
    @discardableResult
    func waitForEnd() throws -> Int32? {
        while let frame = try next() { if frame.kind == .exit { return Int32(frame.text) } }
        return nil
    }

    /// Sends the process a signal; without effect once it has ended.
    public func send(signal: Int32) { send(Frame(.signal, String(signal))) }

    /// Lets the process see the end of its input.
    public func endInput() { send(Frame(.endOfInput)) }

    /// Tells a container with a terminal how large the caller's is.
    public func resize(from terminal: Int32) {
        guard let size = TerminalSize(of: terminal), let bytes = try? CanonicalJSON.encode(size) else { return }
        send(Frame(.resize, bytes))
    }

    /// How showing a container ended.
    public enum Ending: Sendable, Equatable {
        case exited(Int32)
        /// The user has typed the keys for it; the container goes on.
        case detached
    }

    /// Shows what the process writes and gives it what is typed until it ends.
    ///
    /// - Parameters:
    ///   - input: -1 for none.
    ///   - detachKeys: The bytes that end this; empty for none.
    /// - Throws: `ContainerStoreError.supervisorGone`.
    public func relay(input: Int32, output: Int32, error: Int32, detachKeys: [UInt8]) throws -> Ending {
        var keys = DetachKeys(detachKeys)
        var input = input
        var buffer = [UInt8](repeating: 0, count: 1 << 15)
        while true {
            // Some may have come along with the answer to the request.
            if let code = try showPending(output: output, error: error) { return .exited(code) }
            var entries = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: input, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&entries, 2, -1) > 0 else { continue }
            if entries[1].revents != 0 {
                let count = read(input, &buffer, buffer.count)
                if count > 0 {
                    let (bytes, isDetached) = keys.filter(buffer[..<count])
                    if !bytes.isEmpty { send(Frame(.input, bytes)) }
                    if isDetached { return .detached }
                } else if count == 0 || Errno.current != .interrupted {
                    send(Frame(.endOfInput))
                    input = -1
                }
            }
            guard entries[0].revents != 0 else { continue }
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, Errno.current == .interrupted { continue }
            guard count > 0 else { throw ContainerStoreError.supervisorGone(container) }
            decoder.withLock { $0.append(buffer[..<count]) }
        }
    }

    /// Shows the frames that have come.
    ///
    /// - Returns: The exit code, once that is among them.
    private func showPending(output: Int32, error: Int32) throws -> Int32? {
        while let frame = try decoder.withLock({ decoder throws(ContainerStoreError) in try decoder.next() }) {
            switch frame.kind {
            case .output, .error:
                let target = frame.kind == .output ? output : error
                try frame.bytes.withUnsafeBytes {
                    try FileOperations.write($0, to: target, path: StandardOutput.name)
                }
            case .exit: return Int32(frame.text) ?? 125
            default: break
            }
        }
        return nil
    }
}

/// Finds the keys that detach from a container in what is typed, Docker's Ctrl-P Ctrl-Q.
struct DetachKeys {
    private let keys: [UInt8]
    private var matched = 0

    init(_ keys: [UInt8]) { self.keys = keys }

    /// - Returns: What goes to the process, and whether the keys are complete.
    mutating func filter(_ bytes: ArraySlice<UInt8>) -> (bytes: [UInt8], isDetached: Bool) {
        guard !keys.isEmpty else { return (Array(bytes), false) }
        var result: [UInt8] = []
        for byte in bytes {
            if byte == keys[matched] {
                matched += 1
                if matched == keys.count { return (result, true) }
                continue
            }
            // What looked like the beginning of the keys was meant for the process.
            result += keys[..<matched]
            matched = byte == keys[0] ? 1 : 0
            if matched == 0 { result.append(byte) }
        }
        return (result, false)
    }
}
