internal import FileSystem
public import SystemPackage

/// The certificates that are trusted for one registry: `certs.d/HOST/*.crt` (containers-certs.d(5), and Docker's).
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
        roots.flatMap { root -> [FilePath] in
            let directory = root.appending(host)
            let names = ((try? FileOperations.names(in: directory)) ?? []).map { String(decoding: $0, as: UTF8.self) }
            return names.filter { $0.hasSuffix(".crt") }.sorted().map { directory.appending($0) }
        }
    }
}
