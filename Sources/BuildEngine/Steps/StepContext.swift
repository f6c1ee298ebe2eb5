import BuildCache
import BuildContext
import BuildPlanning
import ContentStore
import DockerfileSyntax
import FileSystem
import LayerWriting
import Layers
import OCI
import Reporting

/// What a step may read of its stage and of the build; it changes nothing there.
struct StepContext: Sendable {
    let step: PlannedStep
    let stage: PlannedStage
    let progress: StepProgress
    let sources: StageSources
    /// Whether results of earlier builds are taken.
    let usesCache: Bool
    /// The stage's files so far.
    let below: StageFiles
    /// What the stage's image would be configured with so far.
    let configuration: ImageConfiguration.Execution
    /// The time that what a step makes of nothing carries: that of the layer below, since nothing reads the clock twice.
    let timeBelow: Int64
    /// Root's home directory and groups.
    let rootUser: Lazy<UserDatabase.Identity>

    var session: BuildSession { progress.session }
    var builder: Builder { progress.session.builder }
    var event: BuildEvent.Step { progress.event }

    /// The stage's files so far.
    func files() async throws -> LayerStack { try await below.stack(in: builder.layers) }

    /// The same, as far as it takes to know what is where.
    func names() async throws -> LayerStack {
        func unknown() -> [Digest] {
            below.layers.filter(\.isRemote).compactMap(\.promised)
                .filter { builder.layers.knownIndex(of: $0) == nil }.map(\.diffID)
        }
        if let shared = builder.shared, shared.hasSources, !unknown().isEmpty {
            await shared.bringIndexes(of: unknown())
        }
        for image in sources.bases.images.values {
            let layers = Set(image.layers.map(\.diffID))
            if unknown().contains(where: layers.contains) { await image.bringIndexes?() }
        }
        return try await below.names(in: builder.layers)
    }

    /// Starts the step's layer, whose growth is shown.
    func writer(of plan: LayerPlan) throws -> LayerWriter {
        try builder.layers.writer(expectedCount: plan.count) { [progress] in
            progress.emit(.written(progress.event, bytes: $0))
        }
    }

    /// The inputs that every step has which makes files.
    ///
    /// - Parameter below: What the layer is made on top of; `nil` where it is the same on any other.
    func commonInputs(_ instruction: String, on below: Digest?) -> [NamedInput] {
        var inputs = below.map { [NamedInput("below", $0.hex)] } ?? []
        inputs.append(NamedInput("instruction", instruction))
        if let epoch = session.plan.sourceDateEpoch { inputs.append(NamedInput("SOURCE_DATE_EPOCH", String(epoch))) }
        return inputs
    }

    /// Who a `USER` text means; the databases are read only where they decide something.
    func identity(of user: String, users: () throws -> UserDatabase) throws -> UserDatabase.Identity {
        var unknown: String?
        guard let identity = try users().identity(of: user.isEmpty ? "0" : user, unknown: &unknown) else {
            let reason = UserDatabase.reason(outOfRange: unknown ?? user)
            throw BuildError.at(
                step.instruction.range,
                in: step.source,
                reason ?? "unable to find user or group `\(unknown ?? user)` in the image",
                hints: reason != nil
                    ? [] : ["a name must be in the image's /etc/passwd or /etc/group; a number always works"]
            )
        }
        return identity
    }

    /// An error at a place of the step's text; the sentence stands behind the instruction's name.
    func failure(_ sentence: String, at range: SourceRange?, hints: [String] = []) -> BuildError {
        .at(range, in: step.source, "\(step.instruction.name) \(sentence)", hints: hints)
    }

    /// What is wrong with files of a build context, at the source that names them.
    func failure(_ error: BuildContextError, at range: SourceRange?) -> BuildError {
        var hints: [String] = []
        if case .missingSource(let missing) = error, let suggestion = missing.suggestion {
            hints.append("did you mean `\(String(decoding: suggestion, as: UTF8.self))`?")
        }
        return failure("failed: \(error)", at: range, hints: hints)
    }
}

// MARK: - Records

extension StepContext {
    /// The layer that an earlier build made for a key, if its content is still there.
    func cachedLayer(_ key: StepKey) -> (layer: Layer, created: Int64)? {
        guard usesCache, let record = builder.cache.record(for: key), let known = record.layer else {
            return nil
        }
        let layer = Layer(diffID: known.diffID, tarSize: known.tarSize)
        return builder.layers.isAvailable(layer) ? (layer, record.created) : nil
    }

    /// Waits until no other process makes the layer of a key.
    func lock(_ key: StepKey) async throws -> FileLock { try await builder.store.waitForLock(key: key.digest) }

    /// Remembers a layer that was just made.
    func record(_ layer: Layer, _ key: StepKey, created: Int64) throws {
        let claimed = builder.layers.claimed(below.layers.compactMap { $0.promised?.diffID })
        if !claimed.isEmpty { try builder.layers.rest(key.digest, on: claimed) }
        try builder.cache.save(
            CacheRecord(
                key: key,
                instruction: CredentialMask.masked(step.instruction.text),
                layer: CacheRecord.LayerResult(diffID: layer.diffID, tarSize: layer.blob.size),
                created: created
            )
        )
    }

    /// A layer below this size is made again as fast as it is found out what it has in common with the latest one.
    private static let recordedSize: Int64 = 1 << 20

    /// Remembers a layer as the latest of its instruction, for the time when only some of its files have changed.
    func recordLatest(_ layer: Layer, _ key: StepKey) throws {
        guard layer.blob.size >= StepContext.recordedSize else { return }
        try record(layer, key, created: session.creationTime)
    }
}
