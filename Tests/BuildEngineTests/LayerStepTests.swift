import BuildCache
import BuildContext
import BuildPlanning
import DockerfileSyntax
import FileSystem
import LayerWriting
import Layers
import OCI
import Reporting
import Synchronization
import Tar
import Testing

@testable import BuildEngine

/// A kind of step that no instruction has: puts one file into an empty layer.
private struct NoteStep: LayerStep {
    let context: StepContext
    let text: String
    /// How often the file still changes while it is copied.
    let changes = Counter()
    let made: Counter

    final class Counter: Sendable {
        let count = Mutex(0)
    }

    func readInputs(isFirstAttempt: Bool) -> [NamedInput] {
        context.commonInputs("NOTE", on: context.below.key) + [NamedInput("text", text)]
    }

    func make(_ key: StepKey) async throws -> StepProduct {
        if changes.count.withLock({
            $0 -= 1; return $0 >= 0
        }) {
            throw try ChangedWhileCopied(anyFileOf: context)
        }
        made.count.withLock { $0 += 1 }
        let writer = try context.builder.layers.writer()
        var entry = LayerEntry(path: PathInRoot("note"), kind: .regular, permissions: 0o644)
        entry.size = Int64(text.utf8.count)
        try writer.append(entry, content: .bytes(Array(text.utf8)))
        return .layer(try writer.finish())
    }
}

extension ChangedWhileCopied {
    fileprivate init(anyFileOf context: StepContext) throws {
        let directory = try #require(context.session.request.context)
        let listing = try directory.list(directory.select(source: Array("f".utf8), wildcards: .none)[0])
        var file: ContextListing.Reference?
        listing.forEach { _, reference in file = reference }
        self.init(ContentFingerprint.File(listing: 0, entry: try #require(file)), in: [listing])
    }
}

@Suite("A kind of step")
struct LayerStepTests {
    private func context(_ fixture: EngineFixture) throws -> StepContext {
        let text = SourceText(name: "Dockerfile", text: "FROM scratch\nLABEL a=b\n")
        let request = BuildRequest(
            dockerfile: try Dockerfile(parsing: text),
            context: try ContextDirectory(fixture.context)
        )
        let builder = Builder(layers: try fixture.layers, images: fixture) { _ in }
        let session = BuildSession(builder, request, try BuildPlan(request.dockerfile))
        let stage = session.plan.target
        let step = stage.steps[0]
        return StepContext(
            step: step,
            stage: stage,
            progress: StepProgress(step.instruction, number: step.number, at: 1, of: stage, session),
            sources: StageSources(
                session: session,
                bases: BaseResolution.Bases(),
                results: StageResults([stage], triggerDependencies: [:], target: 0),
                forecast: MissForecast(BaseResolution.Bases(), session.fetches, builder.layers, mayBringIndexes: false)
            ),
            usesCache: true,
            below: StageFiles(),
            configuration: .init(),
            timeBelow: 0,
            rootUser: Lazy { UserDatabase(passwd: [], group: []).identity(ofUser: 0) }
        )
    }

    @Test("only says what decides its layer and makes it: once for equal inputs, whoever asks")
    func cache() async throws {
        try await EngineFixture.with { fixture in
            let made = NoteStep.Counter()
            let first = try await NoteStep(context: context(fixture), text: "1", made: made).execute()
            let again = try await NoteStep(context: context(fixture), text: "1", made: made).execute()
            let other = try await NoteStep(context: context(fixture), text: "2", made: made).execute()
            #expect([first, again, other].map(\.outcome) == [.ran, .cached, .ran])
            #expect(made.count.withLock { $0 } == 2)
            #expect(again.keyAbove == first.keyAbove && other.keyAbove != first.keyAbove)
            #expect(try await again.layer.layer.diffID == first.layer.layer.diffID)
            let (left, right) = try (context(fixture), context(fixture))
            async let one = NoteStep(context: left, text: "3", made: made).execute()
            async let two = NoteStep(context: right, text: "3", made: made).execute()
            #expect(Set(try await [one, two].map(\.outcome)) == [.ran, .cached])
        }
    }

    @Test("starts again when a file changes meanwhile, three times at most", arguments: [2, 3])
    func retries(changes: Int) async throws {
        try await EngineFixture.with { fixture in
            try fixture.write("f", "1")
            let step = NoteStep(context: try context(fixture), text: "x", made: NoteStep.Counter())
            step.changes.count.withLock { $0 = changes }
            if changes < 3 {
                #expect(try await step.execute().outcome == .ran)
            } else {
                await #expect(throws: BuildError.self) { try await step.execute() }
            }
        }
    }
}
