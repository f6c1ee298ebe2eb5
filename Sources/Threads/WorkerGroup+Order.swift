internal import Synchronization

extension WorkerGroup {
    /// Makes a result for each number below `count` on several threads, and hands the results on in their order.
    ///
    /// The calling thread is one of those. `take` is called by one thread at a time; results wait for it, but only a few
    /// for each thread.
    ///
    /// - Parameter limit: How many threads work at most, by default one for each processor.
    /// - Throws: The first error of any call, after all that were begun have ended.
    public static func inOrder<Result: Sendable>(
        below count: Int,
        limit: Int? = nil,
        _ make: (Int) throws -> Result,
        take: (Result) throws -> Void
    ) throws {
        let threads = max(min(count, limit ?? processorCount), 1)
        let line = Line<Result>(count: count, threads: threads)
        try withoutActuallyEscaping(make) { make in
            try withoutActuallyEscaping(take) { take in
                // SAFETY: as in `forEach`; `take` is called by the thread that `Line` lets hand on.
                nonisolated(unsafe) let (make, take) = (make, take)
                let work: @Sendable () -> Void = {
                    while let number = line.next() {
                        do {
                            guard line.add(try make(number), as: number) else { continue }
                            while let result = line.first() { try take(result) }
                        } catch {
                            line.fail(error)
                        }
                    }
                }
                let group = WorkerGroup()
                for _ in 1..<threads { group.start(work) }
                work()
                group.join()
                try line.throwFailure()
            }
        }
    }

    /// Which number is next, and the results that wait to be handed on.
    private final class Line<Result: Sendable>: Sendable {
        private struct State {
            var next = 0
            /// The number whose result is handed on next.
            var first = 0
            var results: [Int: Result] = [:]
            var isHandingOn = false
            var failure: (any Error)?
        }

        private let state = Mutex(State())
        private let count: Int
        private let threads: Int
        /// For how many more numbers there is room.
        private let room: Semaphore

        init(count: Int, threads: Int) {
            self.count = count
            self.threads = threads
            room = Semaphore(4 * threads)
        }

        func next() -> Int? {
            // Whoever is to hand on the first result has its room already, so this never waits for itself.
            room.wait()
            let number = state.withLock { state -> Int? in
                guard state.failure == nil, state.next < count else { return nil }
                defer { state.next += 1 }
                return state.next
            }
            if number == nil { room.signal() }
            return number
        }

        /// - Returns: Whether the caller is to hand on what is there.
        func add(_ result: Result, as number: Int) -> Bool {
            state.withLock { state in
                state.results[number] = result
                guard !state.isHandingOn else { return false }
                state.isHandingOn = true
                return true
            }
        }

        /// The next result, if it is there; otherwise another thread hands it on.
        func first() -> Result? {
            let result = state.withLock { state -> Result? in
                guard state.failure == nil, let result = state.results.removeValue(forKey: state.first) else {
                    state.isHandingOn = false
                    return nil
                }
                state.first += 1
                return result
            }
            if result != nil { room.signal() }
            return result
        }

        func fail(_ error: any Error) {
            state.withLock { if $0.failure == nil { $0.failure = error } }
            for _ in 0..<threads { room.signal() }
        }

        func throwFailure() throws {
            if let failure = state.withLock({ $0.failure }) { throw failure }
        }
    }
}
