internal import FileSystem
internal import Glibc
internal import Sandbox
internal import SystemPackage
public import Testing

/// What some tests need of the machine.
public enum Requirement: Sendable {
    case root
    /// `/bin/busybox`, linked statically.
    case busybox
    /// Namespaces of every kind.
    case fullIsolation
    /// Mounts of overlayfs over files of `ScratchDirectory`.
    case overlay
    /// Extended attributes of users in `ScratchDirectory`.
    case fileAttributes
    case program(String)

    /// Why the machine does not have it; `nil` where it does.
    var obstacle: String? {
        switch self {
        case .root: geteuid() == 0 ? nil : "needs root"
        case .busybox: access(BusyboxBase.program.string, X_OK) == 0 ? nil : "needs \(BusyboxBase.program)"
        case .fullIsolation:
            Self.sandbox.isolation == .full
                ? nil : "needs full isolation: \(Self.sandbox.limits.first?.reason ?? "there is none")"
        case .overlay: Self.sandbox.overlayLimit.map { "needs overlayfs: \($0)" }
        case .fileAttributes:
            Self.keepsAttributes ? nil : "needs a file system with attributes of users in \(ScratchDirectory.parent)"
        case .program(let name): Self.searchPath.contains { access("\($0)/\(name)", X_OK) == 0 } ? nil : "needs \(name)"
        }
    }

    private static let searchPath = (ProcessEnvironment.variables["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
    private static let sandbox = SandboxCapabilities.probe(in: ScratchDirectory.parent)

    private static let keepsAttributes: Bool = {
        guard let scratch = try? ScratchDirectory(), (try? scratch.write("f")) != nil,
            let descriptor = try? FileOperations.open(FilePath(scratch.file("f")), O_RDONLY)
        else { return false }
        defer { close(descriptor) }
        return ExtendedAttribute(name: "user.note", value: [1]).set(on: descriptor)
    }()
}

extension Trait where Self == ConditionTrait {
    /// Skips a test, and says what is missing, on a machine that does not have all of this.
    public static func needs(_ requirements: Requirement...) -> Self {
        let obstacles = requirements.compactMap(\.obstacle)
        return .enabled(if: obstacles.isEmpty, "\(obstacles.joined(separator: ", "))")
    }
}
