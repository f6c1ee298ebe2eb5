import Synchronization
import Testing
import Threads

@Suite("Results in order")
struct WorkerGroupOrderTests {
    private struct Failure: Error, Equatable {}

    @Test("are handed on one at a time, whoever makes them", arguments: [0, 1, 2, 1000], [1, 2, 7])
    func order(count: Int, threads: Int) throws {
        var taken: [Int] = []
        let isTaking = Atomic<Bool>(false)
        try WorkerGroup.inOrder(below: count, limit: threads) { number in
            // Some take longer than those behind them.
            var sum = 0
            for step in 0..<(number % 7 == 0 ? 20_000 : 1) { sum &+= step }
            return (number, sum)
        } take: { number, _ in
            let wasTaking = isTaking.exchange(true, ordering: .acquiring)
            #expect(!wasTaking)
            taken.append(number)
            isTaking.store(false, ordering: .releasing)
        }
        #expect(taken == Array(0..<count))
    }

    @Test("are not made without end where nobody takes them")
    func bound() throws {
        let ahead = Mutex((made: 0, taken: 0, most: 0))
        try WorkerGroup.inOrder(below: 500, limit: 3) { number in
            ahead.withLock { state in
                state.made += 1
                state.most = max(state.most, state.made - state.taken)
            }
            return number
        } take: { _ in
            ahead.withLock { $0.taken += 1 }
        }
        #expect(ahead.withLock { $0.most } <= 13)
    }

    @Test("end with the first failure, of making them or of taking them", arguments: [1, 4])
    func failures(threads: Int) {
        let made = Atomic<Int>(0)
        #expect(throws: Failure()) {
            try WorkerGroup.inOrder(below: 10_000, limit: threads) { number in
                made.add(1, ordering: .relaxed)
                if number == 50 { throw Failure() }
                return number
            } take: {
                #expect($0 < 50)
            }
        }
        let count = made.load(ordering: .relaxed)
        #expect(count < 200)
        var taken: [Int] = []
        #expect(throws: Failure()) {
            try WorkerGroup.inOrder(below: 10_000, limit: threads) {
                $0
            } take: { number in
                if number == 50 { throw Failure() }
                taken.append(number)
            }
        }
        #expect(taken == Array(0..<50))
    }
}
