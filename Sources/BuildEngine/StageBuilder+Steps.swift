import BuildCache
import BuildPlanning
import BuildRecords
import ContentStore
import DockerfileSyntax
import FileSystem
import Glibc
import LayerWriting
import Layers
import OCI
import Reporting

extension StageBuilder {
    typealias Captures = ThrowingTaskGroup<Void, any Error>

    /// Executes one step, or takes its result from an earlier build.
    ///
    /// - Parameter position: That of the step among those of the stage, without `FROM`.
    mutating func execute(_ step: PlannedStep, at position: Int, isLast: Bool, _ captures: inout Captures) async throws
    {
        place = BuildRecorder.Place(stage: stage.index, step: position + 1)
        let layerCount = result.layers.count
        key = nil
        event = StageBuilder.event(step.instruction, number: step.number, stage, run)
        try await waitForSources(of: step)
        clock.start()
        run.recorder.started(place)
        builder.emit(.started(event))
        do {
            let resolved = try resolve(step)
            let outcome = try await passing(step) { (stage) throws in
                try await stage.perform(resolved, step, &captures)
            }
            // The image will need it: it comes while later steps work.
            if run.request.onMiss != .pass, stage.index == run.plan.target.index, let last = result.layers.last,
                last.isElsewhere
            {
                captures.addTask { _ = try await last.layer }
            }
            result.history.append(
                ImageConfiguration.HistoryEntry(
                    created: result.created,
                    createdBy: resolved.createdBy,
                    comment: "buildkit.dockerfile.v0",
                    emptyLayer: resolved.emptyLayer ? true : nil
                )
            )
            let seconds = clock.seconds
            run.recorder.ended(
                place,
                outcome,
                key,
                keyAbove: result.key,
                layer: result.layers.count > layerCount ? result.layers.last : nil
            )
            if isLast, stage.index == run.plan.target.index {
                result.unfinished = StageResult.UnfinishedStep(step: event, outcome: outcome, seconds: seconds)
            } else {
                builder.emit(.finished(event, outcome, id: result.shownID, seconds: seconds))
            }
        } catch {
            if !(error is CancellationError) {
                run.recorder.failed(place, key, error)
                builder.emit(.failed(event))
            }
            throw step.trigger?.placing(error, of: step) ?? error
        }
    }

    private mutating func perform(_ resolved: ResolvedStep, _ step: PlannedStep, _ captures: inout Captures)
        async throws -> BuildEvent.Outcome
    {
        switch resolved.action {
        case .metadata: return try await metadata(step, resolved)
        case .workdir(let workdir): return try await makeDirectory(workdir, step)
        case .copy(let copy):
            let context = try await run.contextFiles(copy.from)
            return try await CopyStep(copy, step: step, stage: self, context: context).execute(&self)
        case .run(let command): return try await runCommand(command, step, event, &captures)
        }
    }

    private mutating func resolve(_ step: PlannedStep) throws -> ResolvedStep {
        do {
            return try result.state.resolve(step)
        } catch {
            throw BuildError.dockerfile(error)
        }
    }

    /// An instruction that changes nothing but the configuration: its result needs no cache, but that it was seen
    /// before tells the user that nothing changed.
    private mutating func metadata(_ step: PlannedStep, _ resolved: ResolvedStep) async throws -> BuildEvent.Outcome {
        let key = StepKey([NamedInput("below", result.key.hex), NamedInput("instruction", resolved.createdBy)])
        self.key = key
        result.shownID = key.digest.short
        if usesCache, builder.cache.record(for: key) != nil { return .cached }
        // Others keep nothing of steps that take no work.
        if run.request.onMiss != .make, builder.shared?.hasSources == true { return .cached }
        if let outcome = try await missed(step) { return outcome }
        try builder.cache.save(
            CacheRecord(key: key, instruction: step.instruction.text, layer: nil, created: Clock.now)
        )
        return .ran
    }

    /// The layer that an earlier build made for this key, if its content is still there.
    func cachedLayer(_ key: StepKey) -> (layer: Layer, created: Int64)? {
        guard usesCache, let record = builder.cache.record(for: key), let known = record.layer else {
            return nil
        }
        let layer = Layer(diffID: known.diffID, tarSize: known.tarSize)
        return builder.layers.isAvailable(layer) ? (layer, record.created) : nil
    }

    /// Takes a layer from the cache, or makes and records it; only one process makes the layer of a key at a time.
    ///
    /// - Parameters:
    ///   - isIndependent: Whether the key, and so the layer, is the same on top of any other.
    ///   - files: Tells what will be in the layer, for an explanation.
    mutating func layer(
        for key: StepKey,
        _ step: PlannedStep,
        isIndependent: Bool = false,
        files: () async -> PlannedFiles? = { nil },
        make: (StageBuilder) async throws -> Layer
    ) async throws -> BuildEvent.Outcome {
        self.key = key
        let next = nextKey(key, isIndependent: isIndependent)
        if let (layer, created) = cachedLayer(key) {
            builder.shared?.keep(key)
            advance(next, StageLayer(layer), created: created)
            return .cached
        }
        if let outcome = try await missed(step, files) {
            advance(next, .missing(in: stage), created: 0)
            return outcome
        }
        let builder = self
        let (made, outcome) = try await whenSlotIsFree {
            let lock = try await builder.lock(key)
            defer { withExtendedLifetime(lock) {} }
            if let (layer, created) = builder.cachedLayer(key) { return ((layer, created), BuildEvent.Outcome.cached) }
            let layer = try await make(builder)
            let created = builder.run.creationTime
            try builder.record(layer, key, step, created: created)
            return ((layer, created), .ran)
        }
        builder.builder.shared?.keep(key)
        advance(next, StageLayer(made.0), created: made.1)
        return outcome
    }

    /// What later keys build on: they depend on the layers below in any case.
    func nextKey(_ key: StepKey, isIndependent: Bool = false) -> StepKey {
        isIndependent ? StepKey([NamedInput("below", result.key.hex), NamedInput("linked", key.digest.hex)]) : key
    }

    func lock(_ key: StepKey) async throws -> FileLock { try await builder.store.waitForLock(key: key.digest) }

    /// Remembers a layer that was just made.
    func record(_ layer: Layer, _ key: StepKey, _ step: PlannedStep, created: Int64) throws {
        try builder.cache.save(
            CacheRecord(
                key: key,
                instruction: CredentialMask.masked(step.instruction.text),
                layer: CacheRecord.LayerResult(diffID: layer.diffID, tarSize: layer.blob.size),
                created: created
            )
        )
    }

    /// Puts a layer on top of the stage.
    mutating func advance(_ key: StepKey, _ layer: StageLayer, created: Int64) {
        result.layers.append(layer)
        result.key = key.digest
        result.shownID = key.digest.short
        result.created = Timestamp(nanosecondsSinceEpoch: created)
        // It may have brought another /etc/passwd.
        result.rootUser = nil
    }

    /// The inputs that every step has which makes files; one that is independent of the layers below has no `below`.
    func commonInputs(_ instruction: String, isIndependent: Bool = false) -> [NamedInput] {
        var inputs = isIndependent ? [] : [NamedInput("below", result.key.hex)]
        inputs.append(NamedInput("instruction", instruction))
        if let epoch = run.plan.sourceDateEpoch { inputs.append(NamedInput("SOURCE_DATE_EPOCH", String(epoch))) }
        return inputs
    }

    /// The stage's files so far.
    func files() async throws -> LayerStack {
        try LayerStack(try await result.layers.layers, in: builder.layers)
    }

    /// The files of another stage or image.
    func files(of source: ContentSource) async throws -> LayerStack {
        try LayerStack(try await layers(of: source).layers, in: builder.layers)
    }

    /// The layers of another stage or image, lowest first.
    func layers(of source: ContentSource) async throws -> [StageLayer] {
        switch source {
        case .context, .named, .scratch: []
        case .stage(let index): try await results.files(index).layers
        case .image(let image) where bases.missing.contains(image):
            throw FilesNotMade(reason: .imageMissing(image.reference.familiar))
        case .image(let image): bases.layers[image] ?? []
        }
    }

    /// What decides the files of another stage or image; `nil` for a context.
    func contentKey(of source: ContentSource) async throws -> Digest? {
        switch source {
        case .context, .named, .scratch: nil
        case .stage(let index): try await results.files(index).key
        case .image(let image): bases.images[image].map { StageBuilder.baseKey($0).digest }
        }
    }

    /// What messages call another stage or image.
    func name(of source: ContentSource) -> String {
        switch source {
        case .stage(let index): "stage `\(run.plan.allStages[index]?.name ?? String(index))`"
        case .image(let image): "image `\(image.reference.familiar)`"
        case .context, .named, .scratch: "an empty filesystem"
        }
    }

    /// The time that what a step makes of nothing carries: that of the layer below, since nothing reads the clock twice.
    var timeBelow: Int64 { result.created?.secondsSinceEpoch ?? 0 }

    private mutating func makeDirectory(_ workdir: ResolvedWorkdir, _ step: PlannedStep) async throws
        -> BuildEvent.Outcome
    {
        let path = PathInRoot(workdir.path)
        guard !path.isRoot else {
            let key = StepKey([NamedInput("below", result.key.hex), NamedInput("instruction", "WORKDIR /")])
            self.key = key
            result.shownID = key.digest.short
            if usesCache, builder.cache.record(for: key) != nil { return .cached }
            if let outcome = try await missed(step) { return outcome }
            try builder.cache.save(
                CacheRecord(key: key, instruction: step.instruction.text, layer: nil, created: Clock.now)
            )
            return .ran
        }
        let key = StepKey(
            commonInputs("WORKDIR") + [NamedInput("path", "\(path)"), NamedInput("owner", workdir.user)]
        )
        let make: LayerMaker = { try await $0.directoryLayer(workdir, path, step) }
        if await takeShared(key, step, make) { return .cached }
        return try await layer(for: key, step, make: make)
    }

    private func directoryLayer(_ workdir: ResolvedWorkdir, _ path: PathInRoot, _ step: PlannedStep) async throws
        -> Layer
    {
        let files = try await files()
        let time = timeBelow
        var plan = LayerPlan(view: files.view, latestTime: run.plan.sourceDateEpoch) {
            LayerEntry.directory($0, modified: time)
        }
        do {
            let resolved = try plan.resolve(path)
            // A directory that exists is left alone, and the layer is empty then.
            if plan.entry(at: resolved)?.kind != .directory {
                var owner = try identity(of: workdir.user, step) { try files.users() }
                // As with --chown, a number without a group is the number of the group too (BuildKit).
                if UInt32(workdir.user) != nil { owner.groupID = owner.userID }
                plan.newDirectory = { path in
                    var directory = LayerEntry.directory(path, modified: time)
                    directory.userID = owner.userID
                    directory.groupID = owner.groupID
                    return directory
                }
                try plan.addDirectories(resolved)
            }
        } catch let error as LayerPlan.Conflict {
            throw BuildError.at(step.instruction.range, in: step.source, "WORKDIR \(error.sentence)")
        }
        let writer = try builder.layers.writer(expectedCount: plan.count)
        try LayerAssembly(plan).write(to: writer)
        return try writer.finish()
    }

    /// Who a `USER` text means; the databases are read only where they decide something.
    func identity(of user: String, _ step: PlannedStep, users: () throws -> UserDatabase) throws
        -> UserDatabase.Identity
    {
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
}

extension TriggerOrigin {
    /// An error of a trigger, at the `FROM` line that made it run.
    fileprivate func placing(_ error: any Error, of step: PlannedStep) -> any Error {
        switch error {
        case BuildError.dockerfile(let errors) where errors.source.name == step.source.name:
            BuildError.dockerfile(
                self.error(errors.diagnostics, trigger: String(decoding: step.source.bytes, as: UTF8.self))
            )
        case BuildError.runFailed(let failure): BuildError.runFailed(failure.at(range, in: source))
        case BuildError.notCached(let miss): BuildError.notCached(miss.at(range, in: source))
        default: error
        }
    }
}
