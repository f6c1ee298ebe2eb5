internal import CSandbox
internal import FileSystem
internal import Glibc
public import SystemPackage

/// What this machine lets this process do, found out by doing it.
public struct SandboxCapabilities: Sendable, Codable {
    /// The strongest isolation that works, `nil` when none does and `RUN` is impossible.
    public let isolation: SandboxIsolation?
    /// Whether a root can be an overlay under that isolation; otherwise it must be a directory.
    public let mountsOverlay: Bool
    /// Why no stronger isolation works, strongest first; empty under `SandboxIsolation.full`.
    public let limits: [Limit]
    /// Why no overlay can be mounted, `nil` when one can.
    public let overlayLimit: String?

    /// A kind of isolation that does not work here.
    public struct Limit: Sendable, Codable {
        /// What does not work.
        public let isolation: SandboxIsolation
        /// The first thing that failed, as a sentence.
        public let reason: String
    }

    /// Whether processes that are parents of others may answer their system calls here, which is how users and `/proc` are
    /// emulated.
    public static var canAnswerCalls: Bool { sb_can_answer() != 0 }

    /// The kinds that this process may try, strongest first: root has all users already, or is root of some only.
    private static var candidates: [SandboxIsolation] {
        if geteuid() != 0 { return SandboxIsolation.allCases }
        return SandboxIsolation.allCases.filter {
            $0 != (SubordinateUsers.areMapped ? .full : .userNamespace) && $0 != .traced
        }
    }

    /// Tries isolation levels, strongest first, with an overlay in `directory`; a few milliseconds where all works.
    ///
    /// Each try sets up a whole sandbox and executes nothing in it.
    ///
    /// - Parameters:
    ///   - directory: A writable directory on the filesystem where the upper directories will be; left as it was.
    ///   - only: The one that is tried; `nil` for all.
    public static func probe(in directory: FilePath, only: SandboxIsolation? = nil) -> SandboxCapabilities {
        let name = String(UInt64.random(in: .min ... .max), radix: 36)
        let scratch = directory.appending("sandbox-probe-\(getpid())-\(name)")
        defer { try? FileOperations.removeTree(scratch) }
        var limits: [Limit] = []
        do {
            try FileOperations.createDirectories(scratch, permissions: 0o700)
        } catch {
            return SandboxCapabilities(
                isolation: nil,
                mountsOverlay: false,
                limits: candidates.map { Limit(isolation: $0, reason: error.description) },
                overlayLimit: error.description
            )
        }
        for isolation in only.map({ [$0] }) ?? candidates {
            if isolation == .userNamespace, !SubordinateUsers.areMapped {
                let reason = SubordinateUsers.obstacle.map { "\($0)" }
                limits.append(Limit(isolation: isolation, reason: reason ?? "only an ordinary user needs it"))
                continue
            }
            if isolation == .traced, geteuid() == 0 {
                limits.append(Limit(isolation: isolation, reason: "only an ordinary user needs it"))
                continue
            }
            let place = scratch.appending("\(isolation.rawValue)")
            // Where an overlay works, everything else does.
            let overlayLimit = failure(isolation, overlay: true, in: place)
            if overlayLimit != nil, let reason = failure(isolation, overlay: false, in: place) {
                limits.append(Limit(isolation: isolation, reason: reason))
                continue
            }
            return SandboxCapabilities(
                isolation: isolation,
                mountsOverlay: overlayLimit == nil,
                limits: limits,
                overlayLimit: overlayLimit
            )
        }
        return SandboxCapabilities(
            isolation: nil,
            mountsOverlay: false,
            limits: limits,
            overlayLimit: limits.first?.reason
        )
    }

    /// Why a sandbox of this kind cannot be set up, `nil` when it can.
    private static func failure(_ isolation: SandboxIsolation, overlay: Bool, in place: FilePath) -> String? {
        let (lower, upper, work) = (place.appending("lower"), place.appending("upper"), place.appending("work"))
        do {
            for path in [lower, upper, work] { try FileOperations.createDirectories(path) }
            let root: SandboxRoot = overlay ? .overlay(lower: [lower], upper: upper, work: work) : .directory(lower)
            var configuration = SandboxConfiguration(root: root, arguments: ["probe"])
            configuration.isolation = isolation
            let process = try SandboxProcess.launch(configuration, (0, 0, 0), isProbe: true)
            let exit = try process.wait()
            return exit == .exited(0) ? nil : "the trial process ended with code \(exit.code)"
        } catch {
            return "\(error)"
        }
    }
}
