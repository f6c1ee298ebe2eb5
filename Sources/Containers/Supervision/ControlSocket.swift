internal import CLinux
internal import FileSystem
internal import Glibc
internal import SystemPackage

/// The socket `control` in the directory of a container.
///
/// The name of a socket has at most 108 bytes, so it is reached through the directory's descriptor.
final class ControlSocket {
    let descriptor: Int32
    private let path: FilePath

    /// Listens; a socket of an earlier supervisor is replaced.
    ///
    /// Only for who has the supervisor's lock.
    init(in directory: FilePath) throws(SystemError) {
        path = directory.appending("control")
        unlink(path.string)
        descriptor = try ControlSocket.make(directory) { bind($0, $1, $2) }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        guard listen(descriptor, 64) == 0 else { throw SystemError("listen on", path) }
    }

    deinit {
        unlink(path.string)
        close(descriptor)
    }

    /// The next client that has come, if there is one.
    func accept() -> Connection? {
        let client = sb_accept_cloexec(descriptor)
        return client < 0 ? nil : Connection(client)
    }

    /// Connects to the supervisor of a container.
    ///
    /// - Returns: `nil` where nothing listens.
    static func connect(to directory: FilePath) throws(SystemError) -> Int32? {
        do {
            return try make(directory) { Glibc.connect($0, $1, $2) }
        } catch  where [.connectionRefused, .noSuchFileOrDirectory].contains(error.errno) {
            return nil
        }
    }

    private static func make(
        _ directory: FilePath,
        _ use: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws(SystemError) -> Int32 {
        let parent = try FileOperations.open(directory, O_RDONLY | O_DIRECTORY)
        defer { close(parent) }
        let path = directory.appending("control")
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw SystemError("make a socket for", path) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            bytes.copyBytes(from: "/proc/self/fd/\(parent)/control".utf8)
        }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                use(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let error = SystemError("reach", path)
            close(socket)
            throw error
        }
        return socket
    }
}
