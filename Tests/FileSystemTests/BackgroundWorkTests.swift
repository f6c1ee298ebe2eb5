import FileSystem
import Synchronization
import Testing

@Suite("Work in the background")
struct BackgroundWorkTests {
    private struct Failure: Error, Equatable {}

    @Test("is done in the order in which it was given, however little may wait", arguments: [0, 1, 4])
    func order(limit: Int) throws {
        let done = Mutex<[Int]>([])
        let work = BackgroundWork(limit: limit)
        for number in 0..<5000 { try work.add { done.withLock { $0.append(number) } } }
        try work.finish()
        #expect(done.withLock { $0 == Array(0..<5000) })
    }

    @Test("throws what a piece of it threw, at the latest at its end, and does nothing after it")
    func failure() throws {
        let done = Mutex<[Int]>([])
        let work = BackgroundWork(limit: 2)
        #expect(throws: Failure()) {
            for number in 0..<1000 {
                try work.add {
                    if number == 500 { throw Failure() }
                    done.withLock { $0.append(number) }
                }
            }
            try work.finish()
        }
        #expect(done.withLock { $0 == Array(0..<500) })
        let last = BackgroundWork(limit: 2)
        try last.add { throw Failure() }
        #expect(throws: Failure()) { try last.finish() }
        try BackgroundWork(limit: 1).finish()
    }

    @Test("that is dropped is not done any more")
    func dropped() throws {
        let count = Atomic(0)
        do {
            let work = BackgroundWork(limit: 1000)
            for _ in 0..<1000 { try work.add { count.add(1, ordering: .relaxed) } }
        }
        let atEnd = count.load(ordering: .relaxed)
        #expect(atEnd <= 1000)
    }
}
