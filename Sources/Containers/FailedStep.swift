internal import ContainerNetworks
public import ContainerRuntime
internal import ContentStore
internal import FileSystem
public import Layers
public import OCI
internal import SystemPackage

/// The `RUN` whose process failed and has left a container, so that somebody can look around in it.
public struct FailedStep: Sendable, Codable {
    /// How many are kept; the files of each may be large.
    public static let limit = 3
    /// The label that only these containers have; its value is the number of the step.
    public static let label = "swiftbuild.failed-step"

    /// The ID of the build.
    public let build: String
    /// That of the step, as in `Step 3/7`.
    public let number: Int
    /// The instruction.
    public let text: String

    public init(build: String, number: Int, text: String) {
        (self.build, self.number, self.text) = (build, number, text)
    }

    fileprivate var name: ContainerName {
        get throws(ContainerStoreError) { try ContainerName("failed-\(build)-\(number)") }
    }

    fileprivate var labels: [String: String] { [FailedStep.label: "\(number)", "swiftbuild.build": build] }
}

extension ContainerRecord {
    /// The record of what a step has left that failed.
    ///
    /// - Parameters:
    ///   - layers: What the process started on, lowest first.
    ///   - configuration: What the image would have had so far.
    /// - Throws: `ContainerStoreError.invalidName`.
    public init(
        of step: FailedStep,
        platform: Platform,
        layers: [Layer],
        process: ProcessSpecification,
        configuration: ImageConfiguration.Execution
    ) throws(ContainerStoreError) {
        // The stage is not an image yet.
        self.init(
            name: try step.name,
            created: .now,
            image: "",
            imageID: nil,
            platform: platform,
            layers: layers,
            process: process
        )
        self.configuration = configuration
        failedStep = step
        labels = step.labels
        if process.network == .none { network = .none }
    }

    /// The secrets and agents that the process had, which are not kept.
    public var missingCredentials: [String] {
        process.mounts.compactMap { mount in
            switch mount.source {
            case .secret(let secret): "the secret `\(secret.id)`"
            case .agent(let agent): "the ssh agent `\(agent.id)`"
            case .bind, .inside, .image, .cache, .memory: nil
            }
        }
    }
}

extension ContainerStore {
    /// The containers that steps have left, the latest one first.
    public func failedSteps() throws -> [Container] { try all().filter { $0.record.failedStep != nil } }

    /// Makes a stopped container of what the process of a failed step has left, in place of the oldest one that is kept.
    ///
    /// Nothing is copied: the directory that the process wrote to becomes the container's.
    ///
    /// - Parameter root: On which no process runs any more; it must not be used afterwards.
    public func keep(_ root: ProcessRoot, _ record: ContainerRecord, _ state: ContainerState) throws {
        func keep(named name: ContainerName?) throws {
            _ = try add(named: name, state) { name in
                var record = record
                record.name = name
                return record
            } placing: { place, complete in
                try root.move(to: place) { directory in
                    if root.workspace == nil { try markCopied(directory) }
                    try complete(directory)
                }
            }
        }
        // First, so that builds that are killed in between leave no more than these.
        for old in try failedSteps().dropFirst(FailedStep.limit - 1) where !old.state.isRunning { try? remove(old) }
        do {
            try keep(named: record.name)
        } catch ContainerStoreError.nameInUse {
            try keep(named: nil)
        }
    }
}
