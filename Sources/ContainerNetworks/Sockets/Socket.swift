internal import CLinux
internal import FileSystem
internal import Glibc
internal import SystemPackage

/// A socket that never waits.
struct Socket: Sendable {
    let file: OpenFile
    var number: Int32 { file.descriptor }

    private init(_ transport: Transport, _ address: SocketAddress) throws(SystemError) {
        let family = if case .v4 = address.address { AF_INET } else { AF_INET6 }
        let type = transport == .tcp ? SOCK_STREAM : SOCK_DGRAM
        let flags = SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        guard let opened = OwnedDescriptor(socket(family, Int32(type.rawValue | flags), 0)) else {
            throw SystemError("open a socket for", FilePath("\(address)"))
        }
        file = OpenFile(opened)
    }

    /// Makes a socket that receives what is sent to an address; a port of 0 becomes a free one.
    static func listening(_ transport: Transport, on address: SocketAddress) throws(SystemError) -> Socket {
        let socket = try Socket(transport, address)
        if transport == .tcp { socket.set(SOL_SOCKET, SO_REUSEADDR) }
        if case .v6 = address.address { socket.set(Int32(IPPROTO_IPV6), IPV6_V6ONLY) }
        guard address.withPointer({ bind(socket.number, $0, $1) }) == 0,
            transport == .udp || listen(socket.number, 4096) == 0
        else { throw SystemError("listen on", FilePath("\(address)")) }
        return socket
    }

    /// Makes a socket that is or will soon be connected to an address.
    static func connecting(_ transport: Transport, to address: SocketAddress) throws(SystemError) -> Socket {
        let socket = try Socket(transport, address)
        if address.withPointer({ connect(socket.number, $0, $1) }) != 0, Errno.current != .nowInProgress {
            throw SystemError("connect to", FilePath("\(address)"))
        }
        if transport == .tcp { socket.set(Int32(IPPROTO_TCP), TCP_NODELAY) }
        return socket
    }

    private init(accepted: consuming OwnedDescriptor) {
        file = OpenFile(accepted)
        set(Int32(IPPROTO_TCP), TCP_NODELAY)
    }

    /// The next connection that waits to be accepted.
    func accept() -> Socket? {
        if let accepted = OwnedDescriptor(sb_accept_nonblocking(number)) { return Socket(accepted: accepted) }
        if Errno.current == .tooManyOpenFiles || Errno.current == .tooManyOpenFilesInSystem {
            // The connection would be announced again at once, and for ever.
            usleep(10_000)
        }
        return nil
    }

    private func set(_ level: Int32, _ option: Int32) {
        var value: Int32 = 1
        setsockopt(number, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// The port that it is bound to.
    var port: UInt16 {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(number, $0, &length) }
        }
        return SocketAddress(storage)?.port ?? 0
    }

    /// The reason why it could not be connected, or what else went wrong since.
    var failure: Errno? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(number, SOL_SOCKET, SO_ERROR, &value, &length)
        return value == 0 ? nil : Errno(rawValue: value)
    }

    /// Sends a datagram, or as much of a stream as there is room for.
    ///
    /// - Returns: The count of bytes, negative with `errno` where there is an error.
    @discardableResult
    func send(_ bytes: ArraySlice<UInt8>, to address: SocketAddress? = nil) -> Int {
        bytes.withUnsafeBytes { buffer in
            guard let address else {
                return Glibc.send(number, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
            }
            return address.withPointer {
                sendto(number, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL), $0, $1)
            }
        }
    }

    func receive(into buffer: inout [UInt8]) -> Int { recv(number, &buffer, buffer.count, 0) }

    /// A datagram with the address that it came from.
    func receiveDatagram(into buffer: inout [UInt8]) -> (count: Int, from: SocketAddress)? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let count = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(number, &buffer, buffer.count, 0, $0, &length)
            }
        }
        guard count >= 0, let address = SocketAddress(storage) else { return nil }
        return (count, address)
    }

    /// Tells the other side that nothing more will come.
    func endWriting() { shutdown(number, Int32(SHUT_WR)) }
}
