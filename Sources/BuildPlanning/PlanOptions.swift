public import OCI

/// What the command line says about which parts of a Dockerfile are built, and for what.
public struct PlanOptions: Sendable {
    /// The value of `--target`; `nil` builds the last stage.
    public var target: String?
    /// The `--build-arg` values; a name given without a value is resolved, or left out, by the caller.
    public var buildArguments: [String: String]
    /// What `--build-context` gives, by `NamedContext.key(_:)` of its name.
    public var namedContexts: [String: NamedContext] = [:]
    /// Where the build runs.
    public var buildPlatform: Platform
    /// What the image is for.
    public var targetPlatform: Platform

    /// Creates options; the defaults build the last stage for this machine.
    public init(
        target: String? = nil,
        buildArguments: [String: String] = [:],
        buildPlatform: Platform = .host,
        targetPlatform: Platform = .host
    ) {
        self.target = target
        self.buildArguments = buildArguments
        self.buildPlatform = buildPlatform
        self.targetPlatform = targetPlatform
    }
}
