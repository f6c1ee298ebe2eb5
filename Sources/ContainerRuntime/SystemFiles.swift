public import ContentStore
public import FileSystem
public import Sandbox
internal import SystemPackage

/// The files of the machine that every process gets by mounts, so that what it writes to them is nowhere afterwards.
public struct SystemFiles: Sendable {
    private let directory: TemporaryDirectory
    public private(set) var mounts: [SandboxMount] = []

    /// Makes `/etc/resolv.conf`, `/etc/hosts` and `/etc/hostname`.
    ///
    /// - Parameter store: Where the files are while the process runs.
    public init(hostname: String, in store: Store) throws(SystemError) {
        directory = try TemporaryDirectory(in: store[.temporary])
        let resolver = (try? FileOperations.read("/etc/resolv.conf", limit: 1 << 20)) ?? []
        try add("resolv.conf", resolver, at: "/etc/resolv.conf")
        let hosts = "127.0.0.1\tlocalhost \(hostname)\n::1\tlocalhost ip6-localhost ip6-loopback\n"
        try add("hosts", Array(hosts.utf8), at: "/etc/hosts")
        try add("hostname", Array("\(hostname)\n".utf8), at: "/etc/hostname")
    }

    /// Adds an executable file that the process cannot change.
    public mutating func addScript(_ content: String, at target: String) throws(SystemError) {
        try add("script-\(mounts.count)", Array(content.utf8), at: target, permissions: 0o755, isReadOnly: true)
    }

    private mutating func add(
        _ name: String,
        _ content: [UInt8],
        at target: String,
        permissions: UInt32 = 0o644,
        isReadOnly: Bool = false
    ) throws(SystemError) {
        let path = directory.path.appending(name)
        try FileOperations.writeAtomically(content, to: path, temporary: directory.path, permissions: permissions)
        mounts.append(SandboxMount(.bind(path), target: target, isReadOnly: isReadOnly))
    }
}
