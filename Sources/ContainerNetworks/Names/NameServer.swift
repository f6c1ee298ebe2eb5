internal import FileSystem
internal import Glibc

/// Answers the name queries of one container: names of containers in its networks by itself, and everything else by the
/// servers of the machine, whose answers it passes on as they are.
///
/// Used by the thread of its table only.
final class NameServer {
    /// Where containers send queries, as with Docker.
    static let address = IPv4Address(number: 0x7F00_000B)
    /// The most that an answer over UDP has without EDNS.
    private static let datagramLimit = 512
    /// In seconds, for each server.
    private static let patience = 2.5

    /// Sockets inside a container's namespace, to which queries are directed.
    struct Sockets: Sendable {
        let datagrams: Socket
        let streams: Socket

        /// Makes the sockets in the calling thread's namespace.
        ///
        /// They have ports of their own, as with Docker, so that the container may have a name server at port 53.
        init() throws(SystemError) {
            let any = SocketAddress(.v4(NameServer.address), 0)
            datagrams = try Socket.listening(.udp, on: any)
            streams = try Socket.listening(.tcp, on: any)
            var filter = PacketFilter(table: "swiftbuild-names")
            filter.chain("output", .output, isNAT: true, priority: -100)
            for (transport, socket) in [(Transport.udp, datagrams), (.tcp, streams)] {
                filter.rule(
                    in: "output",
                    [
                        .destination(NameServer.address), .transport(transport), .destinationPort(53),
                        .newDestination(NameServer.address, socket.port),
                    ]
                )
            }
            try filter.install()
        }
    }

    private let table: SocketTable
    private let sockets: Sockets
    private let names: () -> NameTable
    private let servers: () -> [SocketAddress]

    /// - Parameter servers: The servers that are asked about other names, the first one first.
    init(
        _ table: SocketTable,
        _ sockets: Sockets,
        names: @escaping () -> NameTable,
        servers: @escaping () -> [SocketAddress]
    ) {
        self.table = table
        self.sockets = sockets
        self.names = names
        self.servers = servers
    }

    func start() {
        table.watch(sockets.datagrams.file, for: POLLIN) { [self] _ in
            for _ in 0..<32 {
                guard let (count, client) = sockets.datagrams.receiveDatagram(into: &table.buffer) else { return }
                serve(Array(table.buffer[..<count]), client)
            }
        }
        table.watch(sockets.streams.file, for: POLLIN) { [self] _ in
            if let stream = sockets.streams.accept(), table.hasRoom { read(stream, []) }
        }
    }

    private enum Reply {
        case none
        case message([UInt8])
        case others
    }

    private func reply(to message: ArraySlice<UInt8>, limit: Int) -> Reply {
        guard NameQuery.isQuery(message) else { return .none }
        let names = names()
        guard let query = NameQuery(message) else {
            // Whatever it is, the others may know it; without a question there is nothing to know.
            let hasQuestion = message[message.startIndex + 4] | message[message.startIndex + 5] != 0
            return names.hasWayOut && hasQuestion ? .others : .message(NameQuery.refusal(of: message, .formatError))
        }
        if let records = names.records(for: query) { return .message(query.answer(records, limit: limit)) }
        return names.hasWayOut ? .others : .message(NameQuery.refusal(of: message, .noSuchName))
    }

    // MARK: UDP

    private func serve(_ message: [UInt8], _ client: SocketAddress) {
        switch reply(to: message[...], limit: NameServer.datagramLimit) {
        case .none: break
        case .message(let answer): sockets.datagrams.send(answer[...], to: client)
        case .others:
            ask(servers()[...], message, client)
        }
    }

    /// Asks the first of some servers, and the next ones when it does not answer.
    private func ask(_ servers: ArraySlice<SocketAddress>, _ message: [UInt8], _ client: SocketAddress) {
        guard let server = servers.first, table.hasRoom else {
            sockets.datagrams.send(NameQuery.refusal(of: message[...], .serverFailure)[...], to: client)
            return
        }
        guard let socket = try? Socket.connecting(.udp, to: server), socket.send(message[...]) >= 0 else {
            return ask(servers.dropFirst(), message, client)
        }
        table.watch(socket.file, for: POLLIN, seconds: NameServer.patience) { [self] events in
            let count = events == 0 ? -1 : socket.receive(into: &table.buffer)
            let isFailure = events == 0 || count < 0
            // Anything else than the answer is somebody else's.
            guard isFailure || count >= NameQuery.headerSize && table.buffer[..<2] == message[..<2] else { return }
            table.forget(socket.file)
            if isFailure { return ask(servers.dropFirst(), message, client) }
            sockets.datagrams.send(table.buffer[..<count], to: client)
        }
    }

    // MARK: TCP

    /// Collects a message, which has its length before it (RFC 1035, section 4.2.2).
    private func read(_ stream: Socket, _ received: [UInt8]) {
        table.watch(stream.file, for: POLLIN, seconds: 10) { [self] events in
            let count = events == 0 ? 0 : stream.receive(into: &table.buffer)
            guard count > 0 else { return table.forget(stream.file) }
            serve(stream, received + table.buffer[..<count])
        }
    }

    private func serve(_ stream: Socket, _ received: [UInt8]) {
        var rest = received[...]
        while rest.count >= 2, rest.count >= 2 + Self.length(rest) {
            let message = rest.dropFirst(2).prefix(Self.length(rest))
            switch reply(to: message, limit: Int(UInt16.max)) {
            case .none: return table.forget(stream.file)
            case .message(let answer):
                let length = [UInt8(answer.count >> 8), UInt8(answer.count & 0xFF)]
                guard stream.send((length + answer)[...]) == answer.count + 2 else {
                    return table.forget(stream.file)
                }
                rest = rest.dropFirst(2 + message.count)
            case .others:
                // This and everything after it.
                guard let server = servers().first, let far = try? Socket.connecting(.tcp, to: server) else {
                    return table.forget(stream.file)
                }
                return _ = StreamRelay(table, near: stream, far: far, first: rest)
            }
        }
        read(stream, Array(rest))
    }

    private static func length(_ bytes: ArraySlice<UInt8>) -> Int {
        Int(bytes[bytes.startIndex]) << 8 | Int(bytes[bytes.startIndex + 1])
    }
}
