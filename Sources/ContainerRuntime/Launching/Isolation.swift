public import ContentStore
internal import Glibc
public import Sandbox
internal import Synchronization

/// What this machine lets a process on an image have, found out when the first one needs it.
public final class Isolation: Sendable {
    private let store: Store
    private let known = Mutex<SandboxCapabilities?>(nil)

    public init(_ store: Store) {
        self.store = store
    }

    /// The isolation of a process, and whether its root can be an overlay.
    public typealias Kind = (level: SandboxIsolation, mountsOverlay: Bool)

    /// What `strongest` says, or what it will most likely say where finding out would cost more than a failure does.
    ///
    /// - Throws: `ContainerError.notPermitted`, as `strongest`.
    public func likely() throws(ContainerError) -> Kind {
        if geteuid() == 0, known.withLock({ $0 }) == nil { return (.full, true) }
        return try strongest()
    }

    /// The strongest isolation that works here, found out by trying.
    ///
    /// - Throws: `ContainerError.notPermitted` when none works, naming what is missing.
    public func strongest() throws(ContainerError) -> Kind {
        let capabilities = known.withLock { known in
            if let known { return known }
            let probed = SandboxCapabilities.probe(in: store[.temporary])
            known = probed
            return probed
        }
        guard let level = capabilities.isolation else {
            throw .notPermitted(reasons: capabilities.limits.map { "\(Isolation.name($0.isolation)): \($0.reason)" })
        }
        return (level, capabilities.mountsOverlay)
    }

    /// What the user should know about an isolation that is not the strongest there is; `nil` when there is nothing.
    public func notice() -> String? {
        guard let capabilities = known.withLock({ $0 }), let level = capabilities.isolation else { return nil }
        let reason = capabilities.limits.first.map { " (\($0.reason))" } ?? ""
        let overlay =
            capabilities.mountsOverlay
            ? "" : "; files are copied, since no overlay can be mounted (\(capabilities.overlayLimit ?? ""))"
        switch level {
        case .full: return overlay.isEmpty ? nil : "files are copied, since no overlay can be mounted"
        case .userNamespace: return "processes run in a user namespace, in which every user is you\(reason)\(overlay)"
        case .chroot: return "processes run in a changed root directory without namespaces\(reason)\(overlay)"
        }
    }

    private static func name(_ level: SandboxIsolation) -> String {
        switch level {
        case .full: "namespaces"
        case .userNamespace: "user namespaces"
        case .chroot: "a changed root directory"
        }
    }
}
