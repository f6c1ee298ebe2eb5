import Glibc
import Synchronization
import Testing
import Threads

@Suite("A work queue")
struct WorkQueueTests {
    private struct Failure: Error, Equatable {}

    @Test(
        "does everything once, however little may wait",
        arguments: [WorkQueue.Order.serial, .concurrent],
        [0, 1, 32]
    )
    func everything(order: WorkQueue.Order, limit: Int) throws {
        let done = Mutex<[Int]>([])
        let queue = WorkQueue(order, limit: limit)
        for number in 0..<5000 { try queue.add { done.withLock { $0.append(number) } } }
        try queue.finish()
        let numbers = done.withLock { $0 }
        #expect((order == .serial ? numbers : numbers.sorted()) == Array(0..<5000))
    }

    @Test(
        "throws what a piece of work threw, at the latest at its end",
        arguments: [WorkQueue.Order.serial, .concurrent]
    )
    func failure(order: WorkQueue.Order) throws {
        let done = Mutex<[Int]>([])
        let queue = WorkQueue(order, limit: 2)
        #expect(throws: Failure()) {
            for number in 0..<1000 {
                try queue.add {
                    if number == 500 { throw Failure() }
                    done.withLock { $0.append(number) }
                }
            }
            try queue.finish()
        }
        if order == .serial { #expect(done.withLock { $0 == Array(0..<500) }) }
        let last = WorkQueue(order, limit: 2)
        try last.add { throw Failure() }
        #expect(throws: Failure()) { try last.finish() }
        try WorkQueue(order, limit: 1).finish()
    }

    @Test("does not wait for room after a failure", arguments: [WorkQueue.Order.serial, .concurrent])
    func afterFailure(order: WorkQueue.Order) {
        let queue = WorkQueue(order, limit: 2)
        for _ in 0..<10 { try? queue.add { throw Failure() } }
        #expect(throws: Failure()) { try queue.finish() }
    }

    /// The kernel's name for this thread; the numbers of pthreads are used again.
    private static var thread: String {
        var target = [UInt8](repeating: 0, count: 64)
        let length = readlink("/proc/thread-self", &target, target.count)
        return String(decoding: target.prefix(max(length, 0)), as: UTF8.self)
    }

    @Test("takes the thread of one that has ended")
    func reuse() throws {
        let threads = Mutex<Set<String>>([])
        for _ in 0..<100 {
            let queue = WorkQueue(.serial, limit: 2)
            for _ in 0..<3 { try queue.add { threads.withLock { _ = $0.insert(WorkQueueTests.thread) } } }
            try queue.finish()
        }
        // Tests that run at the same time may take it in between.
        #expect(threads.withLock { $0.count } < 50)
    }

    @Test("that is dropped does nothing any more", arguments: [WorkQueue.Order.serial, .concurrent])
    func dropped(order: WorkQueue.Order) throws {
        let count = Atomic(0)
        do {
            let queue = WorkQueue(order, limit: 1000)
            for _ in 0..<1000 { try queue.add { count.add(1, ordering: .relaxed) } }
        }
        let atEnd = count.load(ordering: .relaxed)
        #expect(atEnd <= 1000)
        try WorkQueue(order, limit: 1).finish()
        #expect(count.load(ordering: .relaxed) == atEnd)
    }
}
