import BuildCache
import BuildRecords
import ContentStore
import FileSystem
import Glibc
import OCI
import SystemPackage
import TestSupport
import Testing

/// The records of a store that is removed afterwards.
private func withRecords(_ body: (BuildRecordStore, Store) throws -> Void) throws {
    try StoreFixture.with { try body(BuildRecordStore($0.store), $0.store) }
}

private func record(_ time: Int64, text: String = "RUN true", tag: String = "docker.io/library/app:latest")
    -> BuildRecord
{
    var step = BuildRecord.Step(number: 2, line: 3, text: text, result: .failed)
    (step.start, step.end) = (10, 20)
    step.key = SHA256Hasher.digest(of: Array(text.utf8))
    step.keyAbove = SHA256Hasher.digest(of: [1])
    step.layer = CacheRecord.LayerResult(diffID: SHA256Hasher.digest(of: [2]), tarSize: 1024)
    step.wait = BuildRecord.Step.Wait(start: 5, stages: [text, "", "other"])
    step.inputs = [NamedInput("environment \(text)", text), NamedInput(text, "")]
    let from = BuildRecord.Step(number: 1, line: 1, text: "FROM base", result: .base)
    var record = BuildRecord(
        id: BuildRecord.ID(nanoseconds: time),
        dockerfile: "/src/\(text)/Dockerfile",
        context: "/src",
        platform: .host,
        stages: [
            BuildRecord.Stage(name: nil, steps: [from, step]),
            BuildRecord.Stage(
                name: text,
                steps: BuildRecord.Step.Result.allCases.map {
                    BuildRecord.Step(number: 0, line: 9, text: "STEP \($0)", result: $0)
                }
            ),
        ]
    )
    record.tags = [tag, "docker.io/library/other:1"]
    record.target = text
    record.image = SHA256Hasher.digest(of: Array("\(time)".utf8))
    record.ending = .failed
    record.duration = 123
    return record
}

@Suite("A build record")
struct BuildRecordTests {
    @Test(
        "comes back as it was saved, whatever is in its texts",
        arguments: ["RUN true", "", "-", "\t\n\\", "\u{0301}a\t\u{0301}", "sum 00", "🇩🇪\u{200D}", "\r\nstep\t1"]
    )
    func roundTrip(text: String) throws {
        try withRecords { records, _ in
            let saved = record(5, text: text)
            try records.save(saved)
            #expect(records.record(saved.id) == saved)
        }
    }

    @Test("is as good as none with any byte flipped and cut anywhere")
    func damaged() throws {
        try withRecords { records, store in
            let saved = record(5)
            try records.save(saved)
            let path = store[.builds].appending(saved.id.description)
            let bytes = try FileOperations.read(path)
            for position in bytes.indices {
                var damaged = bytes
                damaged[position] ^= 0x20
                try FileOperations.writeAtomically(damaged, to: path, temporary: store[.temporary])
                #expect(records.record(saved.id) == nil, "byte \(position)")
                try FileOperations.writeAtomically(bytes[..<position], to: path, temporary: store[.temporary])
                #expect(records.record(saved.id) == nil, "cut at \(position)")
            }
            try records.save(record(4))
            #expect(records.record(matching: "last")?.id.nanoseconds == 4)
        }
    }

    @Test(
        "with impossible values is as good as none",
        arguments: [
            "ending\tsucceeded\t-1", "ending\tdone\t1", "step\t-1\t1\tran\t0\t0\t-\t-\t-\t-\tRUN",
            "step\t1\t0\tran\t0\t0\t-\t-\t-\t-\tRUN", "step\t1\t1\tran\t5\t4\t-\t-\t-\t-\tRUN",
            "step\t1\t1\tran\t-9223372036854775808\t9223372036854775807\t-\t-\t-\t-\tRUN",
            "step\t1\t1\tdone\t0\t0\t-\t-\t-\t-\tRUN", "step\t1\t1\tran\t0\t0\tzz\t-\t-\t-\tRUN", "image\t00", "x",
            "platform\t", "input\ta", "wait\t1",
        ]
    )
    func impossible(line: String) throws {
        try withRecords { records, store in
            for (line, isRecord) in [("tag\ta", true), (line, false)] {
                let body = Array("swiftbuild-build \(isRecord ? 1 : 2)\nstage\n\(line)\n".utf8)
                try FileOperations.writeAtomically(
                    body + Array("sum \(SHA256Hasher.digest(of: body).hex)\n".utf8),
                    to: store[.builds].appending("0000000000000001"),
                    temporary: store[.temporary]
                )
                #expect((records.record(BuildRecord.ID(nanoseconds: 1)) != nil) == isRecord)
            }
        }
    }

    @Test("tells the line of each layer by its place, also where several steps made the same one")
    func linesOfLayers() {
        func digest(_ number: UInt8) -> Digest { SHA256Hasher.digest(of: [number]) }
        func stage(_ name: String, from: Int?, _ steps: [(line: Int, layer: UInt8?)]) -> BuildRecord.Stage {
            var first = BuildRecord.Step(number: 1, line: steps[0].line - 1, text: "FROM x", result: .base)
            first.inputs = from.map { [NamedInput("stage", String($0))] } ?? [NamedInput("base", "x")]
            let others = steps.map { line, layer in
                var step = BuildRecord.Step(number: 2, line: line, text: "RUN x", result: .ran)
                step.layer = layer.map { CacheRecord.LayerResult(diffID: digest($0), tarSize: 1) }
                return step
            }
            return BuildRecord.Stage(name: name, steps: [first] + others)
        }
        var record = BuildRecord(
            id: .init(nanoseconds: 1),
            dockerfile: "d",
            context: nil,
            platform: .host,
            stages: [
                stage("one", from: nil, [(2, 7), (3, nil), (4, 0)]), stage("two", from: nil, [(12, 0), (13, 9)]),
                stage("three", from: 0, [(22, 0), (23, nil), (24, 0)]),
            ]
        )
        // The base has the empty layer, too.
        let layers: [UInt8] = [5, 0, 7, 0, 0, 0]
        #expect(record.lines(ofLayers: layers.map(digest)) == [nil, nil, 2, 4, 22, 24])
        record.target = "Two"
        #expect(record.lines(ofLayers: [5, 0, 9].map(digest)) == [nil, 12, 13])
        // Something else is on top: by what is known of the digests.
        #expect(record.lines(ofLayers: [7, 9, 1].map(digest)) == [2, 13, nil])
        #expect(record.lines(ofLayers: []) == [])
        // A damaged record leads nowhere, and not in a circle.
        record.stages[1].steps[0].inputs = [NamedInput("stage", "1")]
        #expect(record.lines(ofLayers: [0, 9].map(digest)) == [12, 13])
    }

    @Test("is found by `last`, by its own ID, and by the ID and the names of its image")
    func matching() throws {
        try withRecords { records, _ in
            #expect(records.record(matching: "last") == nil)
            for time in [Int64(1) << 60, 7, 9] { try records.save(record(time, tag: "docker.io/library/t\(time):1")) }
            #expect(records.ids.map(\.nanoseconds) == [1 << 60, 9, 7])
            #expect(records.record(matching: "last")?.id.nanoseconds == 1 << 60)
            #expect(records.record(matching: "0000000000000007")?.id.nanoseconds == 7)
            let image = try #require(record(9).image)
            #expect(records.record(matching: image.description)?.id.nanoseconds == 9)
            #expect(records.record(matching: image.short)?.id.nanoseconds == 9)
            #expect(records.record(matching: "t7:1")?.id.nanoseconds == 7)
            #expect(records.record(matching: "other:1")?.id.nanoseconds == 1 << 60)
            for text in ["", "t7", "no", "000000000000000A", "../../x", "sha256:", "LAST"] {
                #expect(records.record(matching: text) == nil, "\(text)")
            }
        }
    }

    @Test("is not kept twice for the same build with everything cached")
    func repetition() throws {
        try withRecords { records, store in
            func cached(_ time: Int64, _ result: BuildRecord.Step.Result = .cached, text: String = "RUN true")
                -> BuildRecord
            {
                var record = record(time, text: text)
                record.image = SHA256Hasher.digest(of: [7])
                record.ending = .succeeded
                (record.duration, record.stages) = (time, [record.stages[0]])
                record.stages[0].steps[1].result = result
                record.stages[0].steps[1].start = min(time, 8)
                return record
            }
            for time in 1...3 { try records.save(cached(Int64(time), .ran)) }
            #expect(records.ids.count == 3)
            for time in 4...6 { try records.save(cached(Int64(time))) }
            #expect(records.ids.map(\.nanoseconds) == [4, 3, 2, 1])
            try records.save(cached(7, text: "RUN false"))
            try records.save(cached(8))
            #expect(records.ids.map(\.nanoseconds) == [8, 7, 4, 3, 2, 1])
            // The file of the one that stays tells when its results were used again.
            let hours = (0...3).map { Int64(time(nil)) * 1_000_000_000 - Int64($0) * 3_600_000_000_000 }
            let key = try #require(cached(0, text: "RUN date").stages[0].steps[1].key)
            try records.save(cached(hours[3], text: "RUN date"))
            let file = store[.builds].appending(BuildRecord.ID(nanoseconds: hours[3]).description)
            let old = timespec(tv_sec: Int(hours[3] / 1_000_000_000), tv_nsec: 0)
            utimensat(AT_FDCWD, file.string, [old, old], 0)
            #expect(records.lastUses[key] == hours[3])
            try records.save(cached(hours[0], text: "RUN date"))
            #expect(records.ids.first?.nanoseconds == hours[3])
            #expect(try #require(records.lastUses[key]) >= hours[0])
        }
    }

    @Test("is dropped when there are many later ones")
    func bounds() throws {
        try withRecords { records, _ in
            for time in 0..<Int64(BuildRecordStore.limit + 40) { try records.save(record(time)) }
            let ids = records.ids
            #expect((BuildRecordStore.limit...BuildRecordStore.limit + 32).contains(ids.count))
            #expect(ids.first?.nanoseconds == Int64(BuildRecordStore.limit) + 39)
        }
    }

    @Test("finds the inputs of a step by its key, or has them itself")
    func inputs() throws {
        try withRecords { records, store in
            let key = StepKey([NamedInput("instruction", "RUN"), NamedInput("user", "")])
            var step = BuildRecord.Step(number: 1, line: 1, text: "RUN true", result: .ran)
            #expect(records.inputs(of: step) == nil)
            step.key = key.digest
            #expect(records.inputs(of: step) == nil)
            try StepCache(store).save(CacheRecord(key: key, instruction: "RUN true", layer: nil, created: 1))
            #expect(records.inputs(of: step) == key.inputs)
            step.inputs = [NamedInput("own", "1")]
            #expect(records.inputs(of: step) == step.inputs)
        }
    }
}
