import BuildCache
import ContentStore
import FileSystem
import Layers
import OCI
import Registry
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Distribution

@Suite("A claim on the making of a result")
struct WorkClaimTests {
    private let scratch: ScratchDirectory
    private var shared: FilePath { scratch.path.appending("cache") }
    private let key = StepKey([NamedInput("instruction", "RUN date >/date")])

    init() throws { scratch = try ScratchDirectory() }

    private final class Count: Sendable {
        private let state = Mutex(0)

        var value: Int { state.withLock { $0 } }

        func add() { state.withLock { $0 += 1 } }
    }

    /// One of the builds.
    private struct Build: Sendable {
        let cache: SharedCache
        let records: StepCache
        /// Its layer tells who made it.
        let result: CacheRecord

        func make() throws {
            try records.save(result)
            cache.keep(result.key)
        }
    }

    private func build(_ name: String) throws -> Build {
        let fixture = try StoreFixture(scratch.path.appending(name))
        let layer = try fixture.layer(file(name))
        let result = CacheRecord.LayerResult(diffID: layer.diffID, tarSize: layer.blob.size)
        return Build(
            cache: SharedCache(
                from: [try CacheLocation(parsing: "type=local,src=\(shared)", .from)],
                to: [try CacheLocation(parsing: "type=local,dest=\(shared)", .to)],
                fixture.layers,
                RegistryConnections(environment: [:])
            ) { Issue.record("\($0)") },
            records: StepCache(fixture.store),
            result: CacheRecord(key: key, instruction: "RUN", layer: result, created: 7)
        )
    }

    @Test("comes back as it was, and nothing else is one")
    func coded() throws {
        for state in [WorkClaim.State.held, .free, .failed] {
            var claim = WorkClaim()
            (claim.state, claim.beat) = (state, 2)
            #expect(try WorkClaim(decoding: CanonicalJSON.encode(claim.manifest)) == claim)
        }
        #expect(WorkClaim(decoding: Array("{}".utf8)) == nil)
        var other = WorkClaim().manifest
        other.artifactType = CacheEntry.artifactType
        #expect(try WorkClaim(decoding: CanonicalJSON.encode(other)) == nil)
        #expect(WorkClaim().owner != WorkClaim().owner)
    }

    @Test("is one build's of eight that come at once, and the others get its result")
    func eight() async throws {
        let made = Count()
        let key = key.digest
        let builds = try (0..<8).map { try build("by-\($0)") }
        let results = try await withThrowingTaskGroup(of: Digest?.self) { group in
            for build in builds {
                group.addTask {
                    #expect(await build.cache.record(under: key) == nil)
                    if await !build.cache.isMadeElsewhere(key, after: nil, waits: {}) {
                        made.add()
                        try build.make()
                    }
                    await build.cache.finish()
                    return await build.cache.record(under: key)?.layer?.diffID
                }
            }
            return try await group.reduce(into: [Digest?]()) { $0.append($1) }
        }
        #expect(made.value == 1)
        #expect(results.count == 8 && !results.contains(nil) && Set(results).count == 1, "\(results)")
    }

    @Test(
        "of a build that has no result is another's at once, and of a step that fails nobody's",
        arguments: [false, true]
    )
    func released(isFailure: Bool) async throws {
        let (first, key) = (try build("first").cache, key.digest)
        #expect(await !first.isMadeElsewhere(key, after: nil, waits: { Issue.record("nobody was there") }))
        // Nobody else can have come to what stands on it.
        let above = StepKey([NamedInput("below", key.hex)]).digest
        #expect(await !first.isMadeElsewhere(above, after: key, waits: { Issue.record("nobody was there") }))
        let waiting = Count()
        let others = [try build("second"), try build("third")]
        let made = try await withThrowingTaskGroup(of: Bool.self) { group in
            for other in others {
                group.addTask {
                    let isMade = await other.cache.isMadeElsewhere(key, after: nil) { waiting.add() }
                    if !isMade, !isFailure { try other.make() }
                    await other.cache.finish()
                    return !isMade
                }
            }
            while waiting.value < 2 { await Task.yield() }
            first.unclaim(key, isFailure: isFailure)
            await first.finish()
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(made == (isFailure ? 2 : 1))
        let entry = try FileOperations.read(shared.appending("entries").appending(above.hex))
        #expect(WorkClaim(decoding: entry)?.state == .free)
    }
}
