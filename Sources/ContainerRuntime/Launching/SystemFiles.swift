internal import FileSystem
internal import Sandbox
internal import SystemPackage

extension ProcessSpecification {
    /// Where every process has something of the machine's, whatever its image has there.
    public static let systemMountPoints = [
        "/dev", "/proc", "/sys", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf",
    ]

    /// The files of the machine that every process gets by mounts, so that what it writes to them is nowhere afterwards:
    /// `/etc/resolv.conf`, `/etc/hosts`, `/etc/hostname`, and the scripts.
    var systemFiles: [SandboxMount] {
        func file(_ content: [UInt8], _ target: String, permissions: UInt32 = 0o644, isReadOnly: Bool = false)
            -> SandboxMount
        {
            SandboxMount(.content(content, permissions: permissions), target: target, isReadOnly: isReadOnly)
        }
        let resolver =
            resolverFile.map { Array($0.utf8) } ?? (try? FileOperations.read("/etc/resolv.conf", limit: 1 << 20)) ?? []
        // A process with an address of its own has that name for it.
        let ownName = hosts.contains { $0.name == hostname } ? "" : " \(hostname)"
        var table = "127.0.0.1\tlocalhost\(ownName)\n::1\tlocalhost ip6-localhost ip6-loopback\n"
        for host in hosts { table += "\(host.address)\t\(host.name)\n" }
        return [
            file(resolver, "/etc/resolv.conf"), file(Array(table.utf8), "/etc/hosts"),
            file(Array("\(hostname)\n".utf8), "/etc/hostname"),
        ]
            + scripts.sorted { $0.key < $1.key }.map {
                file(Array($0.value.utf8), "/dev/pipes/\($0.key)", permissions: 0o755, isReadOnly: true)
            }
    }
}
