import Synchronization

/// Fetches layers while steps work that will need them.
final class Fetches: Sendable {
    private let layers: AsyncStream<StageLayer>
    private let continuation: AsyncStream<StageLayer>.Continuation
    private let isEnabled: Bool

    /// - Parameter isEnabled: Whether anything is fetched at all.
    init(isEnabled: Bool) {
        self.isEnabled = isEnabled
        (layers, continuation) = AsyncStream.makeStream()
    }

    /// Begins to fetch what of some layers is elsewhere, and does not wait for it.
    func begin(_ layers: [StageLayer]) {
        guard isEnabled else { return }
        for layer in layers where layer.isRemote { continuation.yield(layer) }
    }

    /// Does something while layers are fetched; what is not here at its end was not needed.
    func during<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                try await withThrowingTaskGroup(of: Void.self) { fetches in
                    for await layer in self.layers { fetches.addTask { _ = try await layer.layer } }
                    try await fetches.waitForAllOrReason()
                }
                return nil
            }
            group.addTask { try await body() }
            var result: Result?
            try await group.waitForAllOrReason {
                result = $0
                return $0 != nil
            }
            guard let result else { throw CancellationError() }
            return result
        }
    }
}
