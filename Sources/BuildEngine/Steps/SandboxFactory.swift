import ContentStore
import FileSystem
import Sandbox
import Synchronization
import SystemPackage

/// What this machine lets a `RUN` have, found out when the first one needs it.
final class SandboxFactory: Sendable {
    private let store: Store
    private let known = Mutex<SandboxCapabilities?>(nil)

    init(_ store: Store) {
        self.store = store
    }

    /// The strongest isolation that works here.
    ///
    /// - Throws: `BuildError.environment` when none does, naming what is missing.
    func capabilities() throws -> (isolation: SandboxIsolation, mountsOverlay: Bool) {
        let capabilities = known.withLock { known in
            if let known { return known }
            let probed = SandboxCapabilities.probe(in: store[.temporary])
            known = probed
            return probed
        }
        guard let isolation = capabilities.isolation else {
            let reasons = capabilities.limits.map { "\($0.isolation): \($0.reason)" }.joined(separator: "; ")
            throw BuildError.environment(
                "this machine does not let RUN execute anything (\(reasons))",
                hint: "run as root, or allow unprivileged user namespaces; Dockerfiles without RUN need neither")
        }
        return (isolation, capabilities.mountsOverlay)
    }

    /// What the user should know about weaker isolation; `nil` when there is nothing to say.
    func notice() -> String? {
        guard let capabilities = known.withLock({ $0 }), let isolation = capabilities.isolation, isolation != .full else { return nil }
        let reason = capabilities.limits.first.map { " (\($0.reason))" } ?? ""
        return switch isolation {
        case .full: nil
        case .userNamespace: "RUN executes in a user namespace, in which every user is you\(reason)"
        case .chroot: "RUN executes in a changed root directory without namespaces\(reason)"
        }
    }
}
