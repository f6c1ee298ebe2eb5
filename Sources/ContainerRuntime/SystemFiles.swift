internal import FileSystem
public import Sandbox
internal import SystemPackage

/// The files of the machine that every process gets by mounts, so that what it writes to them is nowhere afterwards.
public struct SystemFiles: Sendable {
    public private(set) var mounts: [SandboxMount] = []

    /// Makes `/etc/resolv.conf`, `/etc/hosts` and `/etc/hostname`.
    ///
    /// - Parameter hosts: Further lines of `/etc/hosts`.
    public init(hostname: String, hosts: [(address: String, name: String)] = []) {
        let resolver = (try? FileOperations.read("/etc/resolv.conf", limit: 1 << 20)) ?? []
        var table = "127.0.0.1\tlocalhost \(hostname)\n::1\tlocalhost ip6-localhost ip6-loopback\n"
        for host in hosts { table += "\(host.address)\t\(host.name)\n" }
        add(resolver, at: "/etc/resolv.conf")
        add(Array(table.utf8), at: "/etc/hosts")
        add(Array("\(hostname)\n".utf8), at: "/etc/hostname")
    }

    /// Adds an executable file that the process cannot change.
    public mutating func addScript(_ content: String, at target: String) {
        add(Array(content.utf8), at: target, permissions: 0o755, isReadOnly: true)
    }

    private mutating func add(
        _ content: [UInt8],
        at target: String,
        permissions: UInt32 = 0o644,
        isReadOnly: Bool = false
    ) {
        let source = SandboxMount.Source.content(content, permissions: permissions)
        mounts.append(SandboxMount(source, target: target, isReadOnly: isReadOnly))
    }
}
