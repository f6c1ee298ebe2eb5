import BuildCache
import BuildRecords
import Foundation
import Layers
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import BuildEngine

@Suite("The record of a build", .needs(.root, .busybox))
struct RecordTests {
    /// `number result text` of each step.
    private func steps(_ record: BuildRecord) -> [String] {
        record.stages.flatMap(\.steps).map { "\($0.number) \($0.result.rawValue): \($0.text)" }
    }

    private static let text = """
        FROM base AS unused
        RUN echo unused
        FROM base AS one
        ONBUILD RUN echo trigger >/t
        COPY f /f
        FROM one
        RUN echo ran >/r
        LABEL a=b
        RUN true
        """

    @Test("says of each step what became of it, when, by which key and with which layer")
    func succeeded() async throws {
        try await EngineFixture.with { fixture in
            try fixture.addBusybox()
            try fixture.write("f", "f")
            let built = try await fixture.build(Self.text)
            let records = BuildRecordStore(try fixture.layers.store)
            let record = try #require(records.record(matching: "last"))
            #expect(
                steps(record) == [
                    "0 skipped: FROM base AS unused", "0 skipped: RUN echo unused",
                    "1 base: FROM base AS one", "2 ran: ONBUILD RUN echo trigger >/t", "3 ran: COPY f /f",
                    "4 base: FROM one", "0 ran: RUN echo trigger >/t", "5 ran: RUN echo ran >/r", "6 ran: LABEL a=b",
                    "7 ran: RUN true",
                ]
            )
            #expect(record.ending == .succeeded && record.image != nil && record.dockerfile == "Dockerfile")
            #expect(record.context == fixture.context.string)
            #expect(record.stages.map(\.name) == ["unused", "one", nil])
            #expect(record.stages[2].steps.map(\.line) == [6, 6, 7, 8, 9])
            #expect(
                record.stages.flatMap(\.steps).compactMap { $0.layer?.diffID } == built.image.layers[1...].map(\.diffID)
            )
            for step in record.stages[1...].flatMap(\.steps) {
                let (start, end) = (try #require(step.start), try #require(step.end))
                #expect(0 <= start && start <= end && end <= record.duration)
                #expect(step.key != nil && records.inputs(of: step)?.isEmpty == false, "\(step.text)")
            }
            #expect(record.stages[2].steps[0].keyAbove == record.stages[1].steps[2].keyAbove)

            _ = try await fixture.build(Self.text)
            let again = try #require(records.record(matching: "last"))
            #expect(again.id > record.id)
            #expect(steps(again) == steps(record).map { $0.replacingOccurrences(of: " ran: ", with: " cached: ") })
            for (first, second) in zip(record.stages.flatMap(\.steps), again.stages.flatMap(\.steps)) {
                #expect(first.key == second.key && first.layer == second.layer)
            }
        }
    }

    @Test("of a build that fails says which step failed, and what its inputs were")
    func failed() async throws {
        try await EngineFixture.with { fixture in
            try fixture.addBusybox()
            let text = "FROM base\nRUN true\nENV E=1\nRUN exit 3\nRUN true\n"
            await #expect(throws: BuildError.self) { try await fixture.build(text) }
            let records = BuildRecordStore(try fixture.layers.store)
            let record = try #require(records.record(matching: "last"))
            #expect(
                steps(record) == [
                    "1 base: FROM base", "2 ran: RUN true", "3 ran: ENV E=1", "4 failed: RUN exit 3",
                    "5 not run: RUN true",
                ]
            )
            #expect(record.ending == .failed && record.image == nil)
            let failed = record.stages[0].steps[3]
            #expect(records.inputs(of: failed)?.contains(NamedInput("environment E", "1")) == true)
            #expect(failed.layer == nil)
            #expect(record.stages[0].steps[4].start == nil)
        }
    }
}
