import ContentStore
import FileSystem
import Foundation
import Glibc
import Layers
import OCI
import Synchronization
import SystemPackage
import TestSupport
import Testing
import Threads

@testable import BuildEngine

@Suite("Steps")
struct StepTests {
    @Test("a new time is a hit; content, mode and what RUN sees are misses; the image is the same again")
    func cache() async throws {
        try await EngineFixture.with { fixture in
            try fixture.write("f", "1")
            let text = "FROM scratch AS a\nCOPY f /f\nFROM scratch\nLABEL a=b\nCOPY --from=a /f /g\n"
            let first = try await fixture.build(text)
            try fixture.shell("touch -d 2001-01-01 f")
            let second = try await fixture.build(text)
            #expect(second.image.configuration == first.image.configuration)
            #expect(!second.outcomes.contains("ran"))
            #expect(
                try await fixture.build(text.replacingOccurrences(of: "a=b", with: "a=c")).outcomes.filter {
                    $0 == "ran"
                }.count == 1
            )
            try fixture.write("f", "1", mode: 0o755)
            #expect(try await fixture.build(text).outcomes.filter { $0 == "ran" }.count == 2)
            // Another order of the same files in a stage that ran again is a hit downstream.
            let other = "FROM scratch AS a\nWORKDIR /w\nCOPY f /f\nFROM scratch\nLABEL a=b\nCOPY --from=a /f /g\n"
            let third = try await fixture.build(other)
            #expect(third.outcomes.last == "cached")
        }
    }

    @Test(
        "a failing step cancels the others and leaves nothing behind",
        .needs(.root, .busybox)
    )
    func failure() async throws {
        try await EngineFixture.with { fixture in
            try fixture.addBusybox()
            let slow = "FROM base AS a\nRUN echo x > /x; sleep 600\n"
            await #expect(throws: BuildError.self) {
                try await fixture.build(
                    slow + "FROM base AS b\nRUN sleep 0.2; false\nFROM base\nCOPY --from=a /x /\nCOPY --from=b /x /\n"
                )
            }
            // What had been waited for would be in the cache.
            await #expect(throws: BuildError.self) { try await fixture.build(slow) { $0.onMiss = .refuse } }
            #expect(fixture.leftovers == [])
            let mounts = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
            #expect(!mounts.contains(fixture.directory.string))
        }
    }

    @Test(
        "the same RUN in two stages is done once",
        .needs(.root, .busybox),
        arguments: [1, 4]
    )
    func once(jobs: Int) async throws {
        try await EngineFixture.with { fixture in
            try fixture.addBusybox()
            let built = try await fixture.build(
                "FROM base AS a\nRUN echo ran; echo x > /x\nFROM base AS b\nRUN echo ran; echo x > /x\nFROM a\nCOPY --from=b /x /y\n",
                jobs: jobs
            )
            #expect(built.output == "ran\n")
            #expect(built.tree.contains("/y regular 644 x\n"))
        }
    }

    @Test("HOME follows /etc/passwd from step to step", .needs(.root, .busybox))
    func home() async throws {
        try await EngineFixture.with { fixture in
            try fixture.addBusybox()
            let built = try await fixture.build(
                "FROM base\nRUN echo $HOME; echo root:x:0:0::/other:/bin/sh > /etc/passwd\nRUN echo $HOME\n"
            )
            #expect(built.output == "/root\n/other\n")
        }
    }

    @Test(
        "a RUN that leaves a name which means a removed file is an error",
        .needs(.root, .busybox)
    )
    func whiteoutName() async throws {
        try await EngineFixture.with { fixture in
            try fixture.addBusybox()
            await #expect(throws: BuildError.self) {
                try await fixture.build("FROM base\nRUN echo > /.wh.etc\nRUN echo\n")
            }
            #expect(fixture.leftovers == [])
        }
    }

    @Test("two hundred layers with a thousand files are built and walked")
    func deepStack() async throws {
        try await EngineFixture.with { fixture in
            try fixture.shell(
                "mkdir -p d/$(seq -s' d/' 1 10); for i in d/*; do (cd $i && touch $(seq 1 100)); done; touch f"
            )
            let layers = (0..<199).map { "COPY f /l/f\($0)\n" }.joined()
            let built = try await fixture.build("FROM scratch\nCOPY d /d\n" + layers)
            #expect(built.image.layers.count == 200 && built.tree.count == 1_211)
        }
    }
}

/// What was told, in order.
private final class Told: Sendable {
    let state = Mutex<[Bool]>([])

    var all: [Bool] { state.withLock { $0 } }

    func append(_ value: Bool) { state.withLock { $0.append(value) } }
}

/// What runs and ran.
private final class Counts: Sendable {
    let state = Mutex((now: 0, most: 0, done: 0))
}

@Suite("Scheduling")
struct SchedulingTests {
    @Test("job slots bound what runs at once, also when bodies throw or are cancelled")
    func slots() async throws {
        let slots = JobSlots(3)
        let counts = Counts()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<500 {
                group.addTask {
                    try? await slots.run {
                        counts.state.withLock { ($0.now, $0.most) = ($0.now + 1, max($0.most, $0.now + 1)) }
                        await Task.yield()
                        counts.state.withLock { ($0.now, $0.done) = ($0.now - 1, $0.done + 1) }
                        if number % 3 == 0 { throw CancellationError() }
                    }
                }
            }
        }
        #expect(counts.state.withLock { $0.most } <= 3)
        #expect(counts.state.withLock { $0.done } == 500)
        #expect(try await slots.run { 7 } == 7)
    }

    @Test("who has to wait for a job slot is told so before, and when that is over; nobody else is")
    func waitingForSlots() async throws {
        let slots = JobSlots(1)
        let told = Told()
        let (began, ended) = (Promise<Void>(), Promise<Void>())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await slots.run(waiting: { told.append($0) }) {
                    began.fulfil(.success(()))
                    try await ended.value
                }
            }
            try await began.value
            #expect(told.all.isEmpty)
            group.addTask {
                try await slots.run(waiting: { isWaiting in
                    told.append(isWaiting)
                    if isWaiting { ended.fulfil(.success(())) }
                }) {}
            }
            try await group.waitForAll()
        }
        #expect(told.all == [true, false])
    }

    @Test("a promise that was let go of gives its value to nobody, and tells that it is done")
    func releasedPromise() async throws {
        let promise = Promise<Int>()
        promise.release()
        #expect(!promise.isDone && promise.fulfilled == nil)
        promise.fulfil(.success(1))
        #expect(promise.isDone && promise.fulfilled == 1)
        promise.release()
        #expect(promise.isDone && promise.fulfilled == nil)
        await #expect(throws: CancellationError.self) { try await promise.value }
    }

    @Test("a promise gives its first value to all who wait, before and after; blocking tasks run side by side")
    func promises() async throws {
        let promise = Promise<Int>()
        let sum = try await withTaskExecutorPreference(BlockingExecutor.shared) {
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<300 { group.addTask { try await promise.value } }
                for _ in 0..<16 {
                    group.addTask {
                        usleep(100_000); return 0
                    }
                }
                for value in 1...20 {
                    group.addTask {
                        promise.fulfil(.success(value)); return 0
                    }
                }
                return try await group.reduce(0, +)
            }
        }
        #expect(sum % 300 == 0 && sum > 0)
        #expect(try await promise.value == sum / 300)
    }
}
