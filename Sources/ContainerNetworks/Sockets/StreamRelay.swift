internal import FileSystem
internal import Glibc
internal import SystemPackage

/// Two connections, of which each gets what the other one sends.
///
/// Used by the thread of its table only, which keeps it while one of the connections is open.
final class StreamRelay {
    private struct Side {
        let socket: Socket
        /// What this side has still to be sent.
        var pending: ArraySlice<UInt8> = []
        var isConnecting: Bool
        /// Whether it sends nothing more.
        var hasEnded = false
    }

    private let table: SocketTable
    private var sides: [Side]

    /// - Parameters:
    ///   - far: A connection that is being made.
    ///   - first: What the far side gets first.
    init(_ table: SocketTable, near: Socket, far: Socket, first: ArraySlice<UInt8> = []) {
        self.table = table
        sides = [Side(socket: near, isConnecting: false), Side(socket: far, pending: first, isConnecting: true)]
        watch()
    }

    private func serve(_ index: Int, _ events: Int32) {
        if sides[index].isConnecting {
            guard sides[index].socket.failure == nil else { return close() }
            sides[index].isConnecting = false
        }
        guard flush(index), events & (POLLIN | POLLHUP | POLLERR) == 0 || receive(index) else { return close() }
        if sides.allSatisfy({ $0.hasEnded && $0.pending.isEmpty }) { return close() }
        watch()
    }

    /// Sends one side what it has still to be sent; whether that was possible.
    private func flush(_ index: Int) -> Bool {
        guard !sides[index].isConnecting, !sides[index].pending.isEmpty else { return true }
        let count = sides[index].socket.send(sides[index].pending)
        guard count >= 0 else { return Errno.current == .wouldBlock }
        sides[index].pending = sides[index].pending.dropFirst(count)
        return true
    }

    /// Takes what one side has sent, if there is room for it; whether the connection still stands.
    private func receive(_ index: Int) -> Bool {
        guard canReceive(index) else { return true }
        let count = sides[index].socket.receive(into: &table.buffer)
        guard count >= 0 else { return Errno.current == .wouldBlock }
        if count == 0 {
            sides[index].hasEnded = true
            sides[1 - index].socket.endWriting()
            return true
        }
        var sent = sides[1 - index].socket.send(table.buffer[..<count])
        if sent < 0 {
            guard Errno.current == .wouldBlock else { return false }
            sent = 0
        }
        if sent < count { sides[1 - index].pending = ArraySlice(Array(table.buffer[sent..<count])) }
        return true
    }

    private func canReceive(_ index: Int) -> Bool {
        !sides[index].hasEnded && sides[1 - index].pending.isEmpty && !sides[1 - index].isConnecting
    }

    private func watch() {
        for index in sides.indices {
            let isWriting = sides[index].isConnecting || !sides[index].pending.isEmpty
            let events = (isWriting ? POLLOUT : 0) | (canReceive(index) ? POLLIN : 0)
            table.watch(sides[index].socket.file, for: events) { [self] in serve(index, $0) }
        }
    }

    private func close() { for side in sides { table.forget(side.socket.file) } }
}
