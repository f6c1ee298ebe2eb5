public import BuildContext
public import BuildPlanning
public import DockerfileSyntax
public import OCI

/// Everything that decides what a build does, apart from the store it does it in.
public struct BuildRequest: Sendable {
    public var dockerfile: Dockerfile
    /// Where `COPY` and `ADD` take files from; `nil` when there is none (`swiftbuild -f - -` with only a Dockerfile).
    public var context: ContextDirectory?
    public var options: PlanOptions
    /// How each named context of `options` that holds files is opened; called once, when a step first needs it.
    public var namedContexts: [String: @Sendable () async throws -> ContextDirectory] = [:]
    /// The names that the image gets.
    public var tags: [ImageReference] = []
    /// Labels that win over those of the Dockerfile.
    public var labels: [(name: String, value: String)] = []
    /// Whether earlier results are used; new ones are always kept.
    public var usesCache = true
    /// What the processes of `RUN` get.
    public var runs = RunSettings()
    /// The stages that use no earlier results all the same, by name in any case; a stage without a name by its number.
    public var uncachedStages: [String] = []
    /// How many steps may do their work at the same time.
    public var jobs: Int
    /// What is done with a step that has no earlier result.
    public var onMiss = MissHandling.make
    /// Whether the image gets all its layers into the store, rather than only those that something read.
    public var completesImage = true
    /// Whether each miss is explained.
    public var explainsMisses = false
    /// What the record of the build calls the Dockerfile; `nil` for the name that its source has.
    public var dockerfileName: String?
    /// What it calls the context; `nil` for the path of the directory.
    public var contextName: String?

    public init(dockerfile: Dockerfile, context: ContextDirectory?, options: PlanOptions = PlanOptions(), jobs: Int = 4)
    {
        self.dockerfile = dockerfile
        self.context = context
        self.options = options
        self.jobs = jobs
    }
}

/// What is done with a step that has no earlier result.
public enum MissHandling: Sendable {
    /// It is made.
    case make
    /// The build fails before it is made.
    case refuse
    /// Nothing is made, stored or recorded, and the steps above are looked up all the same.
    case report
}

extension BuildRequest {
    /// What processes take for the name of the machine; `nil` for the usual one.
    var hostname: String? { options.buildArguments["BUILDKIT_SANDBOX_HOSTNAME"] }
}
