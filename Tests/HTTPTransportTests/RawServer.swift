import Glibc
import Synchronization

/// A server on loopback that answers each connection with the same bytes, whatever they are.
final class RawServer: Sendable {
    private let listener: Int32
    let port: UInt16

    /// - Parameter answer: Writes to a connection after its request came; returning ends it.
    init(_ answer: @escaping @Sendable (_ connection: Int32) -> Void) throws {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(socket, raw, length) == 0 && listen(socket, 50) == 0 && getsockname(socket, raw, &length) == 0
            }
        }
        guard result else { throw Failure() }
        listener = socket
        port = UInt16(bigEndian: address.sin_port)
        var thread: pthread_t = 0
        let box = Unmanaged.passRetained(Box { RawServer.serve(socket, answer) })
        pthread_create(
            &thread,
            nil,
            { argument in
                argument.map { Unmanaged<Box>.fromOpaque($0).takeRetainedValue().body() }
                return nil
            },
            box.toOpaque()
        )
        pthread_detach(thread)
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    private struct Failure: Error {}

    private final class Box {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    private static func serve(_ listener: Int32, _ answer: (Int32) -> Void) {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { break }
            var request: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while !request.suffix(4).elementsEqual([13, 10, 13, 10]) {
                let count = read(connection, &buffer, buffer.count)
                guard count > 0 else { break }
                request += buffer[..<count]
            }
            answer(connection)
            close(connection)
        }
        close(listener)
    }

    /// Sends text, unless the client has closed the connection.
    @discardableResult
    static func write(_ text: String, to connection: Int32) -> Bool {
        send(connection, text, text.utf8.count, Int32(MSG_NOSIGNAL)) >= 0
    }
}
