internal import FileSystem
public import SystemPackage

/// The certificates for one registry (containers-certs.d(5), and Docker's): in `certs.d/HOST` the authorities `*.crt`, and
/// a `*.cert` with its `*.key` by which the registry knows the user.
public struct CertificateDirectory: Sendable {
    private let roots: [FilePath]

    public init(environment: [String: String]) {
        var roots: [FilePath] = ["/etc/containers/certs.d", "/etc/docker/certs.d"]
        if let home = environment["HOME"] {
            roots.insert(FilePath(home).appending(".config").appending("containers").appending("certs.d"), at: 0)
        }
        self.roots = roots
    }

    /// The files of authorities for a host, in the order of their names.
    public func authorities(for host: String) -> [FilePath] {
        files(for: host, ".crt")
    }

    /// The certificate to show to a host, and the file where its key has to be.
    public func client(for host: String) -> (certificate: FilePath, key: FilePath)? {
        files(for: host, ".cert").first.map { ($0, FilePath($0.string.dropLast("cert".count) + "key")) }
    }

    private func files(for host: String, _ suffix: String) -> [FilePath] {
        roots.flatMap { root -> [FilePath] in
            let directory = root.appending(host)
            let names = ((try? FileOperations.names(in: directory)) ?? []).map { String(decoding: $0, as: UTF8.self) }
            return names.filter { $0.hasSuffix(suffix) }.sorted().map { directory.appending($0) }
        }
    }
}
