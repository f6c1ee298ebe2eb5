import BuildCache
import BuildPlanning
import DockerfileSyntax
import FileSystem
import LayerWriting
import Layers
import OCI
import Reporting
import Tar

extension LayerStep {
    /// Takes the layer from the cache, or makes and records it; only one process makes the layer of a key at a time.
    ///
    /// A file that changes while it is copied makes it start again, three times at most.
    func execute() async throws -> StepResult {
        for attempt in 1... {
            do {
                return try await executeOnce(isFirst: attempt == 1)
            } catch let error as ChangedWhileCopied {
                guard attempt < 3 else { throw context.failure("failed: \(error)", at: context.step.instruction.range) }
            }
        }
        preconditionFailure("the loop only ends by returning or throwing")
    }

    private func executeOnce(isFirst: Bool) async throws -> StepResult {
        let (shared, progress) = (context.builder.shared, context.progress)
        let alias = try await alias()
        if let alias, alias.isNeeded, let result = await fetchFromSharedCache(alias.key, isAlias: true) {
            return result
        }
        if let alias, alias.isNeeded, let result = try await misses(alias) { return result }
        var step = self
        let key = StepKey(try await step.readInputs(isFirstAttempt: isFirst))
        progress.key = key
        if let (layer, created) = context.cachedLayer(key) {
            shared?.keep(key)
            if let alias { shared?.keep(key, under: alias.key.digest) }
            return result(.cached, StageLayer(layer), key, created: created)
        }
        if let result = await step.fetchFromSharedCache(key) { return result }
        if let outcome = try await context.handleMiss(step.plannedFiles) {
            return result(outcome, .missing(in: context.stage), key, created: 0)
        }
        // What it will read is fetched while others are asked whether they make it.
        context.sources.forecast.missed(context.step, of: context.stage, on: context.below)
        if await step.isMadeElsewhere(key), let result = await step.fetchFromSharedCache(key) { return result }
        var made: StepResult
        do {
            try await step.prepare()
            let ready = step
            made = try await progress.whenSlotIsFree { try await ready.makeUnlessCached(key, alias?.key.digest) }
        } catch {
            shared?.unclaim(key.digest, isFailure: !(error is CancellationError))
            throw error
        }
        made.claim = isMadeOnce ? key.digest : nil
        if made.background == nil {
            shared?.keep(key)
            if let alias { shared?.keep(key, under: alias.key.digest) }
        }
        return made
    }

    /// Ends a step whose content is elsewhere and would have to be fetched only to look it up once more.
    private func misses(_ alias: StepAlias) async throws -> StepResult? {
        guard context.session.request.onMiss == .report else { return nil }
        context.progress.key = alias.key
        guard let outcome = try await context.handleMiss() else { return nil }
        return result(outcome, .missing(in: context.stage), alias.key, created: 0)
    }

    /// Waits while another build that shares a cache makes the layer.
    private func isMadeElsewhere(_ key: StepKey) async -> Bool {
        guard isMadeOnce, context.usesCache, let shared = context.builder.shared else { return false }
        let (progress, number, name) = (context.progress, context.step.number, context.step.instruction.name)
        return await shared.isMadeElsewhere(key.digest, after: context.below.claim) {
            progress.emit(.note("step \(number) (\(name)): waiting for the result of another build"))
        }
    }

    private func makeUnlessCached(_ key: StepKey, _ alias: Digest?) async throws -> StepResult {
        let lock = try await context.lock(key)
        defer { withExtendedLifetime(lock) {} }
        if let (layer, created) = context.cachedLayer(key) {
            return result(.cached, StageLayer(layer), key, created: created)
        }
        switch try await make(key) {
        case .layer(let layer):
            let created = context.session.creationTime
            try context.record(layer, key, created: created)
            return result(.ran, StageLayer(layer), key, created: created)
        case .changes(let product):
            let (context, created) = (context, context.session.creationTime)
            let layer = StageLayer(of: product.workspace)
            var result = result(.ran, layer, key, created: created)
            result.keepsUsers = !product.mayHaveChangedUsers
            result.background = {
                // The lock is held until the result can be found, so that those that wait for it find it.
                defer { withExtendedLifetime(lock) {} }
                do {
                    let (made, isEmpty) = try context.capture(product)
                    try context.record(made, key, created: created)
                    context.builder.shared?.keep(key)
                    if let alias { context.builder.shared?.keep(key, under: alias) }
                    layer.finish(.success(made), isEmpty: isEmpty)
                } catch {
                    context.builder.shared?.unclaim(key.digest, isFailure: !(error is CancellationError))
                    layer.finish(.failure(error))
                    throw error
                }
            }
            return result
        }
    }

    private func result(_ outcome: BuildEvent.Outcome, _ layer: StageLayer, _ key: StepKey, created: Int64)
        -> StepResult
    {
        // What is independent of the layers below still lies on top of them.
        let keyAbove =
            isIndependent
            ? StepKey([NamedInput("below", context.below.key.hex), NamedInput("linked", key.digest.hex)]) : key
        return StepResult(outcome: outcome, layer: layer, keyAbove: keyAbove, created: created)
    }

    /// Finds the layer that others have for a key.
    ///
    /// It is fetched when something first reads it, which may be never, and made after all where it is unavailable then.
    ///
    /// - Parameter isAlias: Whether the key only leads to the one that counts, and the inputs were not read.
    private func fetchFromSharedCache(_ key: StepKey, isAlias: Bool = false) async -> StepResult? {
        guard context.usesCache, let shared = context.builder.shared,
            let record = await shared.record(under: key.digest), let known = record.layer, isAlias || record.key == key
        else { return nil }
        shared.keep(record.key)
        if isAlias { shared.keep(record.key, under: key.digest) }
        context.progress.key = record.key
        let promised = Layer(diffID: known.diffID, tarSize: known.tarSize)
        let layer = StageLayer(promised) {
            let lock = try await context.lock(record.key)
            defer { withExtendedLifetime(lock) {} }
            if let (layer, _) = context.cachedLayer(record.key) { return layer }
            do {
                try await shared.fetch(known, under: key.digest)
                try context.builder.cache.save(record)
                return promised
            } catch let error as CancellationError {
                throw error
            } catch let error as FalseClaim {
                // Steps above were made of what is not there.
                throw error
            } catch {
                let (number, name) = (context.step.number, context.step.instruction.name)
                context.progress.emit(.note("cached layer unavailable: running step \(number) (\(name))"))
                let layer = try await makeWhole(record.key, readsInputs: isAlias)
                try context.record(layer, record.key, created: record.created)
                shared.keep(record.key)
                if isAlias { shared.keep(record.key, under: key.digest) }
                return layer
            }
        }
        return result(.cached, layer, record.key, created: record.created)
    }

    /// Makes the whole layer at once.
    private func makeWhole(_ key: StepKey, readsInputs: Bool) async throws -> Layer {
        var step = self
        if readsInputs { _ = try await step.readInputs(isFirstAttempt: false) }
        switch try await step.make(key) {
        case .layer(let layer): return layer
        case .changes(let product): return try context.capture(product).layer
        }
    }
}

extension StepContext {
    /// Makes a layer of what a process left, which stays unpacked for later ones.
    fileprivate func capture(_ product: RunProcess.Product) throws -> (layer: Layer, isEmpty: Bool) {
        do {
            let layer = try product.capture()
            let isEmpty = try builder.layers.index(of: layer).count == 0
            if let workspace = product.workspace, !isEmpty { session.keepSnapshot(workspace, layer) }
            return (layer, isEmpty)
        } catch LayerError.reservedName(let path) {
            throw failure(LayerPlan.Conflict.whiteoutName(path).sentence, at: step.instruction.range)
        }
    }
}
