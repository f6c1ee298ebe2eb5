import BuildCache
import BuildPlanning
import DockerfileSyntax
import Layers
import OCI
import Reporting

/// Results of other stores.
extension StageBuilder {
    typealias LayerMaker = @Sendable (StageBuilder) async throws -> Layer

    /// Puts the layer on top that others have for this key, if this store has none.
    ///
    /// It is fetched when something first reads it, which may be never.
    ///
    /// - Parameters:
    ///   - isAlias: Whether the key only leads to the one that counts.
    ///   - make: Makes the layer after all, where it turns out that theirs cannot be had.
    mutating func takeShared(
        _ key: StepKey,
        isAlias: Bool = false,
        _ step: PlannedStep,
        isIndependent: Bool = false,
        _ make: @escaping LayerMaker
    ) async -> Bool {
        guard usesCache, let shared = builder.shared, isAlias || cachedLayer(key) == nil,
            let record = await shared.record(under: key.digest), let known = record.layer, isAlias || record.key == key
        else { return false }
        shared.keep(record.key)
        if isAlias { shared.keep(record.key, under: key.digest) }
        self.key = record.key
        let stage = self
        let promised = Layer(diffID: known.diffID, tarSize: known.tarSize)
        let layer = StageLayer(promised) {
            let lock = try await stage.lock(record.key)
            defer { withExtendedLifetime(lock) {} }
            if let (layer, _) = stage.cachedLayer(record.key) { return layer }
            do {
                try await shared.fetch(known, under: key.digest)
                try stage.builder.cache.save(record)
                return promised
            } catch let error as CancellationError {
                throw error
            } catch {
                stage.builder.emit(
                    .note("cached layer unavailable: running step \(step.number) (\(step.instruction.name))")
                )
                let layer = try await make(stage)
                try stage.record(layer, record.key, step, created: record.created)
                return layer
            }
        }
        advance(nextKey(record.key, isIndependent: isIndependent), layer, created: record.created)
        return true
    }
}
