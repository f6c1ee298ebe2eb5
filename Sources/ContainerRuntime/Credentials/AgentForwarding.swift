internal import FileSystem
internal import Glibc
internal import Sandbox
public import SystemPackage
import Threads

/// What stands behind an id of `--ssh`.
public enum AgentSource: Sendable, Hashable {
    /// The socket of an ssh agent.
    case socket(FilePath)
    /// Files with private keys, for an agent that is started when a process first needs it.
    case keys([FilePath])

    /// Parses `default`, `ID`, `ID=SOCKET` or `ID=KEY,KEY…`; without anything it is the socket of `SSH_AUTH_SOCK`.
    ///
    /// - Throws: `ContainerError.invalidSetting`.
    public static func parse(_ text: String) throws(ContainerError) -> (id: String, source: AgentSource) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard !parts[0].isEmpty else { throw .invalidSetting(text, reason: "the id is missing") }
        guard let list = parts.count == 2 ? parts[1] : getenv("SSH_AUTH_SOCK").map({ String(cString: $0) }),
            !list.isEmpty
        else { throw .invalidSetting(text, reason: "SSH_AUTH_SOCK is not set: start an ssh agent, or name its socket") }
        let paths = list.split(separator: ",").map(String.init)
        for path in paths {
            var status = stat()
            guard stat(path, &status) == 0, access(path, R_OK) == 0 else {
                throw .invalidSetting(text, reason: "cannot use `\(path)`: \(Errno.current.sentence)")
            }
            guard status.st_mode & S_IFMT == S_IFSOCK else { continue }
            guard paths.count == 1 else { throw .invalidSetting(text, reason: "a socket cannot be one of several") }
            return (parts[0], .socket(FilePath(path)))
        }
        return (parts[0], .keys(paths.map { FilePath($0) }))
    }
}

/// Passes what a process writes to a socket of its own on to an ssh agent, and the answers back.
///
/// The agent's own socket would not do: it belongs to the user who started the build, and an agent answers only that one,
/// while the process may be another user. The socket is removed with this value.
final class AgentForwarding: Sendable {
    let socket: FilePath
    private let directory: TemporaryDirectory
    private let listener: OwnedDescriptor
    private let thread: WorkerThread

    /// - Throws: `SystemError`.
    init(to agent: FilePath, permissions: UInt32, owner: SandboxUser, in temporary: FilePath) throws {
        directory = try TemporaryDirectory(in: temporary)
        socket = directory.path.appending("agent")
        listener = try UnixSocket.listen(in: directory.path, name: "agent")
        chmod(socket.string, permissions)
        // To an ordinary user everything inside belongs anyway.
        if geteuid() == 0 { chown(socket.string, owner.userID, owner.groupID) }
        let descriptor = listener.rawValue
        guard let thread = WorkerThread({ AgentForwarding.relay(descriptor, agent) }) else {
            throw SystemError("start a thread for", socket)
        }
        self.thread = thread
    }

    deinit {
        // Ends the relay, which waits on it.
        shutdown(listener.rawValue, Int32(SHUT_RDWR))
        thread.join()
    }

    /// Serves connections until the listener is shut down.
    private static func relay(_ listener: Int32, _ agent: FilePath) {
        /// Each descriptor with the one that its bytes go to.
        var peers: [Int32: OpenFile] = [:]
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 14, alignment: 1)
        defer { buffer.deallocate() }
        while true {
            let readable = Int16(POLLIN)
            var entries = ([listener] + peers.keys).map { pollfd(fd: $0, events: readable, revents: 0) }
            guard uninterrupted({ poll(&entries, nfds_t(entries.count), -1) }) >= 0 else { return }
            for entry in entries where entry.revents != 0 && entry.fd != listener {
                guard let peer = peers[entry.fd], !pass(entry.fd, peer.descriptor, buffer) else { continue }
                for descriptor in [entry.fd, peer.descriptor] { peers[descriptor] = nil }
            }
            guard entries[0].revents != 0 else { continue }
            guard let connection = OwnedDescriptor(accept(listener, nil, nil)) else { return }
            guard let upstream = UnixSocket.connect(to: agent) else { continue }
            let ends = (OpenFile(connection), OpenFile(upstream))
            peers[ends.0.descriptor] = ends.1
            peers[ends.1.descriptor] = ends.0
        }
    }

    /// Passes on what there is to read; false when that was the end.
    private static func pass(_ from: Int32, _ to: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Bool {
        let count = read(from, buffer.baseAddress, buffer.count)
        guard count > 0 else { return false }
        var position = 0
        while position < count {
            // No SIGPIPE where the other side has closed.
            let rest = buffer.baseAddress.map { $0 + position }
            let written = send(to, rest, count - position, Int32(MSG_NOSIGNAL))
            guard written > 0 else { return false }
            position += written
        }
        return true
    }
}

/// Sockets in the file system.
private enum UnixSocket {
    /// - Throws: `SystemError`.
    static func listen(in directory: FilePath, name: String) throws(SystemError) -> OwnedDescriptor {
        // An address has room for 107 bytes, and a store may lie deeper than that.
        let opened = try OwnedDescriptor(directory, O_RDONLY | O_DIRECTORY)
        let socket = try make(directory)
        guard withAddress("/proc/self/fd/\(opened.rawValue)/\(name)", { bind(socket.rawValue, $0, $1) }) == 0,
            Glibc.listen(socket.rawValue, 16) == 0
        else { throw SystemError("make a socket in", directory) }
        return socket
    }

    static func connect(to path: FilePath) -> OwnedDescriptor? {
        guard let socket = try? make(path),
            withAddress(path.string, { Glibc.connect(socket.rawValue, $0, $1) }) == 0
        else { return nil }
        return socket
    }

    private static func make(_ path: FilePath) throws(SystemError) -> OwnedDescriptor {
        guard let made = OwnedDescriptor(socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)) else {
            throw SystemError("make a socket for", path)
        }
        return made
    }

    private static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else { return -1 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }
}
