internal import FileSystem
internal import Glibc
internal import SystemPackage

/// What the machine's own networks are, seen from the calling thread's namespace.
enum MachineRoutes {
    /// Docker's default address pools.
    private static let pools =
        (17...31).compactMap { IPv4Subnet("172.\($0).0.0/16") }
        + (0...15).compactMap { IPv4Subnet("192.168.\($0 * 16).0/20") }

    /// The first default subnet that neither a network, a route nor a resolver lies in.
    static func freeSubnet(besides networks: [IPv4Subnet]) throws(NetworkError) -> IPv4Subnet {
        let taken = networks + subnets()
        let resolvers = ResolverConfiguration.machine().servers
        guard
            let free = pools.first(where: { pool in
                !taken.contains { $0.overlaps(pool) }
                    && !resolvers.contains { if case .v4(let address) = $0 { pool.contains(address) } else { false } }
            })
        else { throw .noFreeSubnet }
        return free
    }

    /// Where routes lead, but for the default one.
    static func subnets() -> [IPv4Subnet] {
        // Not /proc/net, which is that of the first thread.
        guard let bytes = try? FileOperations.read("/proc/thread-self/net/route") else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: "\t")
            guard fields.count > 7, let destination = UInt32(fields[1], radix: 16),
                let mask = UInt32(fields[7], radix: 16), mask != 0
            else { return nil }
            // Both numbers are in network order.
            return IPv4Subnet(
                of: IPv4Address(number: destination.bigEndian),
                prefixLength: min(mask.nonzeroBitCount, 30)
            )
        }
    }

    /// Lets the kernel pass packets on between interfaces.
    static func enableForwarding() throws(SystemError) {
        let path: FilePath = "/proc/sys/net/ipv4/ip_forward"
        guard try FileOperations.read(path).first != UInt8(ascii: "1") else { return }
        let file = try OwnedDescriptor(path, O_WRONLY)
        guard write(file.rawValue, "1", 1) == 1 else { throw SystemError("enable forwarding in", path) }
    }
}
