import FileSystem
import Synchronization
import Testing

@Suite("A work queue")
struct WorkQueueTests {
    private struct Failure: Error, Equatable {}

    @Test("does everything once, however little may wait", arguments: [0, 1, 32])
    func everything(limit: Int) throws {
        let counts = Mutex([Int](repeating: 0, count: 5000))
        let queue = WorkQueue(limit: limit)
        for number in 0..<5000 { try queue.add { counts.withLock { $0[number] += 1 } } }
        try queue.finish()
        #expect(counts.withLock { $0.allSatisfy { $0 == 1 } })
    }

    @Test("throws what a piece of work threw, at the latest at its end")
    func failure() throws {
        let queue = WorkQueue(limit: 8)
        #expect(throws: Failure()) {
            for number in 0..<1000 { try queue.add { if number == 500 { throw Failure() } } }
            try queue.finish()
        }
        let last = WorkQueue(limit: 8)
        try last.add { throw Failure() }
        #expect(throws: Failure()) { try last.finish() }
    }

    @Test("that is dropped does nothing any more")
    func dropped() throws {
        let count = Atomic(0)
        do {
            let queue = WorkQueue(limit: 1000)
            for _ in 0..<1000 { try queue.add { count.add(1, ordering: .relaxed) } }
        }
        let atEnd = count.load(ordering: .relaxed)
        #expect(atEnd <= 1000)
        let empty = WorkQueue(limit: 1)
        try empty.finish()
        #expect(count.load(ordering: .relaxed) == atEnd)
    }
}
