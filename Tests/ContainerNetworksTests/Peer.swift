import FileSystem
import Glibc
import SystemPackage
import Threads

@testable import ContainerNetworks

/// Plain clients and servers, which wait at most two seconds.
enum Peer {
    /// A server that answers with the client's address and what the client has sent until it ended its side.
    final class Server: Sendable {
        private let listener: Socket
        private let thread: WorkerThread?

        init(_ transport: Transport, port: UInt16, in namespace: NetworkNamespace) throws {
            let listener = try namespace.run { () throws(SystemError) in
                try Socket.listening(transport, on: SocketAddress(.any4, port))
            }
            self.listener = listener
            thread = WorkerThread { Server.serve(transport, listener) }
        }

        func stop() {
            shutdown(listener.number, Int32(SHUT_RDWR))
            // A datagram socket that is not connected is woken all the same.
            thread?.join()
        }

        private static func serve(_ transport: Transport, _ listener: Socket) {
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                var polled = pollfd(fd: listener.number, events: Int16(POLLIN), revents: 0)
                poll(&polled, 1, -1)
                if Int32(polled.revents) & POLLHUP != 0 { return }
                if transport == .udp {
                    guard let (count, client) = listener.receiveDatagram(into: &buffer), count > 0 else { return }
                    listener.send((Array("\(client.address) ".utf8) + buffer[..<count])[...], to: client)
                } else {
                    var storage = sockaddr_storage()
                    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
                    let number = withUnsafeMutablePointer(to: &storage) {
                        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { accept(listener.number, $0, &length) }
                    }
                    guard number >= 0 else { continue }
                    limit(number)
                    let text = Array("\(SocketAddress(storage)?.address.description ?? "?") ".utf8) + receiveAll(number)
                    sendAll(number, text)
                    close(number)
                }
            }
        }
    }

    /// What a server answers, `nil` where none does.
    static func ask(_ transport: Transport, _ address: String, _ port: UInt16, _ message: [UInt8]) -> [UInt8]? {
        guard let target = IPAddress(address) else { return nil }
        let family = if case .v4 = target { AF_INET } else { AF_INET6 }
        let type = transport == .tcp ? SOCK_STREAM : SOCK_DGRAM
        let number = socket(family, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(number) }
        limit(number)
        guard SocketAddress(target, port).withPointer({ connect(number, $0, $1) }) == 0 else { return nil }
        sendAll(number, message)
        if transport == .udp {
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            let count = recv(number, &buffer, buffer.count, 0)
            return count < 0 ? nil : Array(buffer[..<count])
        }
        shutdown(number, Int32(SHUT_WR))
        let answer = receiveAll(number)
        return answer.isEmpty ? nil : answer
    }

    /// The same with texts, from inside a namespace.
    static func ask(
        _ transport: Transport = .tcp,
        from namespace: NetworkNamespace,
        _ address: String,
        _ port: UInt16,
        _ text: String = "hello"
    ) throws -> String? {
        try namespace.run { () throws(SystemError) in ask(transport, address, port, Array(text.utf8)) }
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private static func limit(_ number: Int32) {
        var time = timeval(tv_sec: 2, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(number, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    private static func sendAll(_ number: Int32, _ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private static func receiveAll(_ number: Int32) -> [UInt8] {
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(number, &buffer, buffer.count, 0)
            guard count > 0 else { return result }
            result += buffer[..<count]
        }
    }
}
