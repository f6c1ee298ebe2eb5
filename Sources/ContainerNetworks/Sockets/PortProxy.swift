internal import FileSystem
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// A published port: it is reserved on the machine, and relayed to the container for clients that the packet filter does
/// not serve.
struct PortProxy: Sendable {
    let bound: BoundPort
    private let listener: Socket

    /// Reserves a port on the addresses that were asked for, in the calling thread's namespace.
    ///
    /// - Throws: `NetworkError.portInUse`, `.system`.
    static func reserve(_ port: PublishedPort) throws(NetworkError) -> [PortProxy] {
        // Without a port, the one that is free on the first address may be in use on the second.
        let candidates = port.hostPorts == 0...0 ? [UInt16](repeating: 0, count: 16) : Array(port.hostPorts)
        for candidate in candidates {
            do throws(SystemError) {
                return try reserve(port, candidate)
            } catch {
                guard error.errno == .addressInUse else { throw .system(error) }
            }
        }
        throw .portInUse(port, container: nil)
    }

    private static func reserve(_ port: PublishedPort, _ number: UInt16) throws(SystemError) -> [PortProxy] {
        let first = try PortProxy(port, port.hostAddress ?? .any4, number)
        guard port.hostAddress == nil else { return [first] }
        do throws(SystemError) {
            return [first, try PortProxy(port, .any6, first.bound.hostPort)]
        } catch {
            // A machine without IPv6.
            if error.errno == .addressInUse { throw error }
            return [first]
        }
    }

    private init(_ port: PublishedPort, _ address: IPAddress, _ number: UInt16) throws(SystemError) {
        listener = try Socket.listening(port.transport, on: SocketAddress(address, number))
        bound = BoundPort(
            hostAddress: address,
            hostPort: listener.port,
            containerPort: port.containerPort,
            transport: port.transport
        )
    }

    /// Relays to the address that `target` has at the time of each connection.
    func serve(_ table: SocketTable, target: Target) {
        let (bound, listener) = (bound, listener)
        let container: () -> SocketAddress? = {
            target.address.withLock { $0 }.map { SocketAddress(.v4($0), bound.containerPort) }
        }
        if bound.transport == .udp { return DatagramRelay(table, listener, container).start() }
        table.watch(listener.file, for: POLLIN) { _ in
            guard let near = listener.accept() else { return }
            guard table.hasRoom, let address = container(), let far = try? Socket.connecting(.tcp, to: address) else {
                return
            }
            _ = StreamRelay(table, near: near, far: far)
        }
    }

    func close(_ table: SocketTable) { table.forget(listener.file) }

    /// Where published ports lead, which changes when networks do.
    final class Target: Sendable {
        let address = Mutex<IPv4Address?>(nil)
    }
}

/// Datagrams of clients, each with a socket of its own towards the container, by which answers are told apart.
private final class DatagramRelay {
    /// How long a client is remembered without any datagram.
    private static let patience = 90.0

    private let table: SocketTable
    private let listener: Socket
    private let container: () -> SocketAddress?
    private var clients: [SocketAddress: Socket] = [:]

    init(_ table: SocketTable, _ listener: Socket, _ container: @escaping () -> SocketAddress?) {
        self.table = table
        self.listener = listener
        self.container = container
    }

    func start() {
        table.watch(listener.file, for: POLLIN) { [self] _ in
            for _ in 0..<64 {
                guard let (count, client) = listener.receiveDatagram(into: &table.buffer) else { return }
                socket(for: client)?.send(table.buffer[..<count])
            }
        }
    }

    private func socket(for client: SocketAddress) -> Socket? {
        var socket = clients[client]
        if socket == nil, table.hasRoom, let address = container() {
            socket = try? Socket.connecting(.udp, to: address)
        }
        if let socket { expect(from: socket, client) }
        return socket
    }

    private func expect(from socket: Socket, _ client: SocketAddress) {
        clients[client] = socket
        table.watch(socket.file, for: POLLIN, seconds: DatagramRelay.patience) { [self] events in
            let count = events == 0 ? -1 : socket.receive(into: &table.buffer)
            if events & POLLIN != 0, count >= 0 {
                listener.send(table.buffer[..<count], to: client)
                expect(from: socket, client)
            } else if events == 0 || Errno.current != .wouldBlock {
                // Nothing for a long time, or nothing listens there.
                table.forget(socket.file)
                clients[client] = nil
            }
        }
    }
}
