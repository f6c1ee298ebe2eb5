public import ContentStore
internal import FileSystem
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
        if geteuid() == 0, known.withLock({ $0 }) == nil, try IsolationChoice.current().allows(.strongest) {
            return (.strongest, true)
        }
        return try strongest()
    }

    /// The strongest isolation that works here, or the one that is chosen; found out by trying, once after each start of
    /// the machine.
    ///
    /// - Throws: `ContainerError.notPermitted` when none works, naming what is missing.
    public func strongest() throws(ContainerError) -> Kind {
        let choice = try IsolationChoice.current()
        let capabilities = known.withLock { known in
            if let known { return known }
            let found = KnownCapabilities(store, choice).find()
            known = found
            return found
        }
        guard let level = capabilities.isolation else {
            throw .notPermitted(reasons: capabilities.limits.map { "\($0.isolation.words): \($0.reason)" })
        }
        return (level, capabilities.mountsOverlay)
    }

    /// What the user should know about an isolation that is not the strongest there is; `nil` when there is nothing.
    public func notice(_ kind: Kind) -> String? {
        let capabilities = known.withLock { $0 }
        let limit = capabilities?.limits.last
        let reason = limit.map { " (\($0.isolation.words): \($0.reason))" } ?? ""
        let copies = kind.mountsOverlay ? nil : capabilities?.overlayLimit ?? ""
        let overlay = copies.map { "; files are copied, since no overlay can be mounted (\($0))" } ?? ""
        switch kind.level {
        case .full: return overlay.isEmpty ? nil : "files are copied, since no overlay can be mounted"
        case .userNamespace: return "isolation `userns`: root is root in a user namespace only\(overlay)"
        case .singleUser:
            return
                "isolation `userns-single`: processes run in a user namespace, in which every user is you\(reason)\(overlay)\(missing("other users"))"
        case .chroot:
            return
                "isolation `chroot`: processes run in a changed root directory without namespaces\(reason)\(overlay)\(missing("`/proc` and `/sys`"))"
        case .traced:
            return
                "isolation `ptrace`: processes are traced to show them another root, in which every user is you\(reason)\(overlay)"
        }
    }
}

extension Isolation {
    /// What is not emulated without the kernel's help.
    private func missing(_ what: String) -> String {
        if SandboxCapabilities.canAnswerCalls { return "" }
        return
            "; there are no \(what), since the kernel (before Linux 5.9) or a seccomp profile has no user notification"
    }
}

extension IsolationChoice {
    /// Whether an isolation may be used.
    func allows(_ isolation: SandboxIsolation) -> Bool { self == .strongest || self == .only(isolation) }
}
