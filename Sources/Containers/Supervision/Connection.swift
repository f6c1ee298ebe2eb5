internal import FileSystem
internal import Glibc
internal import OCI
internal import SystemPackage

/// A client of a supervisor.
final class Connection {
    /// What is buffered for a slow client before the process has to wait for it, as for a full pipe.
    static let patience = 1 << 20

    let descriptor: Int32
    /// What it has asked for; `nil` until that has come.
    private(set) var request: Request?
    private(set) var isOpen = true
    var isHandled = false
    /// Whether it is the one that has started the supervisor.
    let isStarter: Bool
    private var line: [UInt8] = []
    private var decoder = FrameDecoder()
    private var pending: [UInt8] = []

    /// - Parameter descriptor: Owned by this value.
    init(_ descriptor: Int32, isStarter: Bool = false) {
        self.descriptor = descriptor
        self.isStarter = isStarter
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    deinit { close(descriptor) }

    var isAttached: Bool { if case .attach = request { isOpen } else { false } }
    var givesInput: Bool { if case .attach(true, _, _) = request { isOpen } else { false } }
    var isSlow: Bool { pending.count > Connection.patience }
    var hasPending: Bool { !pending.isEmpty }

    func send(_ frame: Frame) {
        guard isOpen else { return }
        pending += frame.encoded
        flush()
    }

    /// Writes what can be written at once.
    func flush() {
        while isOpen, !pending.isEmpty {
            let count = pending.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                pending.removeFirst(count)
            } else if Errno.current == .wouldBlock {
                return
            } else if Errno.current != .interrupted {
                isOpen = false
            }
        }
    }

    /// Writes everything, for as long as a client may take that wants to read it.
    func drain(milliseconds: Int32) {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        while isOpen, !pending.isEmpty {
            guard poll(&entry, 1, milliseconds) > 0 else { return }
            flush()
        }
    }

    /// Takes in what has come.
    ///
    /// - Returns: The frames after the request; the request itself is then in `request`.
    func receive() -> [Frame] {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var frames: [Frame] = []
        while isOpen {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, Errno.current == .interrupted { continue }
            if count < 0, Errno.current == .wouldBlock { break }
            guard count > 0, take(buffer[..<count], &frames) else {
                isOpen = false
                break
            }
            // A client that writes without end must not keep the others waiting.
            if count < buffer.count { break }
        }
        return frames
    }

    private func take(_ bytes: ArraySlice<UInt8>, _ frames: inout [Frame]) -> Bool {
        var bytes = bytes
        if request == nil {
            let end = bytes.firstIndex(of: UInt8(ascii: "\n"))
            line += bytes[..<(end ?? bytes.endIndex)]
            guard let end else { return line.count < 1 << 16 }
            guard let request = try? CanonicalJSON.decode(Request.self, from: line) else { return false }
            self.request = request
            bytes = bytes[(end + 1)...]
        }
        decoder.append(bytes)
        do {
            while let frame = try decoder.next() { frames.append(frame) }
        } catch {
            return false
        }
        return true
    }
}
