extension ThrowingTaskGroup where Failure == any Error {
    /// Waits for all tasks, or until a result is enough; the first failure cancels the rest.
    ///
    /// A task that waited for one that failed may end before that one does, but with a cancellation, which is not what the
    /// user must be told.
    ///
    /// - Throws: The first error that is no cancellation, or else the first one.
    mutating func waitForAllOrReason(until isEnough: (ChildTaskResult) -> Bool = { _ in false }) async throws {
        var failure: (any Error)?
        while let ended = await nextResult() {
            switch ended {
            case .success(let result): if isEnough(result) { return cancelAll() }
            case .failure(let error):
                if failure == nil || failure is CancellationError { failure = error }
                cancelAll()
            }
        }
        if let failure { throw failure }
    }
}
