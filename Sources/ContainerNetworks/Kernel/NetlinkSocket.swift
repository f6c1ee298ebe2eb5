internal import FileSystem
internal import Glibc
internal import SystemPackage
internal import Threads

/// A connection to a part of the kernel, in the network namespace of the thread that made it.
struct NetlinkSocket: ~Copyable {
    enum Family: Int32 {
        case route = 0
        case netfilter = 12
    }

    private let number: Int32
    private let family: Family

    init(_ family: Family) throws(SystemError) {
        number = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), family.rawValue)
        guard number >= 0 else { throw SystemError("open a netlink socket for", FilePath("\(family)")) }
        self.family = family
    }

    /// Takes over one that was made in another namespace.
    init(_ family: Family, _ descriptor: consuming OwnedDescriptor) {
        number = descriptor.release()
        self.family = family
    }

    deinit {
        let number = number
        // Of nf_tables the kernel first destroys what transactions have replaced, and waits more than 10 ms for it.
        if family == .netfilter, WorkerThread({ close(number) }) != nil { return }
        close(number)
    }

    /// Sends messages in one piece and waits until the kernel has done what they say.
    ///
    /// - Parameter trailer: What is sent after the last one without being acknowledged.
    /// - Throws: `SystemError` with the reason of the first message that was refused.
    func send(
        _ messages: [NetlinkMessage],
        trailer: NetlinkMessage? = nil,
        _ operation: String,
        _ name: String
    ) throws(SystemError) {
        var bytes: [UInt8] = []
        for (index, message) in messages.enumerated() {
            bytes += message.encoded(sequence: UInt32(index), isLast: index == messages.count - 1)
        }
        if let trailer { bytes += trailer.encoded(sequence: UInt32(messages.count), isLast: false) }
        // SO_SNDBUFFORCE, since a transaction has to fit; where it is not permitted the rest is not either.
        var size = Int32(bytes.count + 4096)
        setsockopt(number, SOL_SOCKET, 32, &size, socklen_t(MemoryLayout<Int32>.size))
        guard Glibc.send(number, bytes, bytes.count, 0) == bytes.count else {
            throw SystemError(operation, FilePath(name))
        }
        if let reason = try failure(last: UInt32(messages.count - 1), operation, name) {
            throw SystemError(operation, FilePath(name), errno: reason)
        }
    }

    /// The first reason that the kernel gives, or `nil` when it acknowledges the last message.
    private func failure(last: UInt32, _ operation: String, _ name: String) throws(SystemError) -> Errno? {
        var buffer = [UInt8](repeating: 0, count: 1 << 15)
        while true {
            let count = recv(number, &buffer, buffer.count, 0)
            if count < 0, Errno.current == .interrupted { continue }
            guard count > 0 else { throw SystemError(operation, FilePath(name)) }
            var position = 0
            while position + 20 <= count {
                let (length, type, sequence, code) = buffer.withUnsafeBytes { raw in
                    (
                        Int(raw.loadUnaligned(fromByteOffset: position, as: UInt32.self)),
                        raw.loadUnaligned(fromByteOffset: position + 4, as: UInt16.self),
                        raw.loadUnaligned(fromByteOffset: position + 8, as: UInt32.self),
                        raw.loadUnaligned(fromByteOffset: position + 16, as: Int32.self)
                    )
                }
                // NLMSG_ERROR, which with the code 0 is an acknowledgement.
                if type == 2 {
                    if code != 0 { return Errno(rawValue: -code) }
                    if sequence == last { return nil }
                }
                position += max(length + 3 & ~3, 16)
            }
        }
    }
}
