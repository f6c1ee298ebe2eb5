internal import FileSystem
internal import Formatting
internal import Glibc
internal import OCI
internal import Reporting
internal import Synchronization

/// One JSON object a line on standard error, for programs.
final class JSONProgress: ProgressRenderer {
    private struct Source: Hashable {
        let step: BuildEvent.Step
        let stream: BuildEvent.Stream
    }

    /// The bytes of a character that is not complete yet, for each stream of a process.
    private let partial = Mutex<[Source: [UInt8]]>([:])

    func show(_ event: BuildEvent) {
        partial.withLock { partial in
            switch event {
            case .output(let step, let stream, let bytes):
                let source = Source(step: step, stream: stream)
                let text = (partial.removeValue(forKey: source) ?? []) + bytes
                let end = text.count - JSONProgress.incompleteSuffix(of: text)
                if end < text.count { partial[source] = Array(text[end...]) }
                if end > 0 { write(.output(step, stream, Array(text[..<end]))) }
            case .finished(let step, _, _, _), .failed(let step):
                for stream in [BuildEvent.Stream.output, .error] {
                    guard let rest = partial.removeValue(forKey: Source(step: step, stream: stream)) else { continue }
                    write(.output(step, stream, rest))
                }
                write(event)
            default: write(event)
            }
        }
    }

    func fail(_ failure: FailureReport) {
        for problem in failure.problems {
            write(
                "error",
                JSONProgress.members(problem).merging(["status": .integer(Int64(failure.status.rawValue))]) { $1 }
            )
        }
    }

    private func write(_ name: String, _ members: [String: JSONValue?], of build: String? = nil) {
        let always: [String: JSONValue?] = ["event": .string(name), "build": build.map { .string($0) }]
        let line = JSONValue.members(members.merging(always) { $1 })
        guard let bytes = try? CanonicalJSON.encode(line) else { return }
        StandardOutput.writeToStandardError(Terminal.safe(json: bytes, for: STDERR_FILENO) + [UInt8(ascii: "\n")])
    }

    /// How many bytes at the end are the beginning of a character in UTF-8.
    private static func incompleteSuffix(of bytes: [UInt8]) -> Int {
        for (count, byte) in bytes.suffix(3).reversed().enumerated() {
            if byte & 0xC0 == 0x80 { continue }
            let length = byte >= 0xF0 && byte < 0xF8 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return byte < 0xF8 && length > count + 1 ? count + 1 : 0
        }
        return 0
    }

    private func write(_ event: BuildEvent, of build: String? = nil) {
        /// An event of a step.
        func write(_ name: String, _ step: BuildEvent.Step, _ members: [String: JSONValue?] = [:]) {
            let place: [String: JSONValue?] = [
                "stage": .string(step.stageName), "step": .number(of: step.number), "total": .number(of: step.total),
            ]
            self.write(name, place.merging(members) { $1 }, of: step.build)
        }
        func write(_ name: String, _ members: [String: JSONValue?]) { self.write(name, members, of: build) }
        switch event {
        case .part(let build, let event): self.write(event, of: build)
        case .planned(let stages, let steps):
            write("planned", ["total": .number(of: steps), "stages": .number(of: stages)])
        case .warning(let source, let diagnostic):
            write("warning", JSONProgress.members(Problem(diagnostic, in: source)))
        case .transfer(let event): self.write(event, of: build)
        case .note(let text): write("note", ["message": .string(text)])
        case .waiting(let step, let stages):
            write("waiting", step, ["instruction": .string(step.text), "for": .strings(stages)])
        case .resumed(let step): write("resumed", step)
        case .started(let step): write("started", step, ["instruction": .string(step.text)])
        case .running(let step, let id): write("running", step, ["id": .string(id)])
        case .written(let step, let bytes): write("written", step, ["bytes": .integer(bytes)])
        case .output(let step, let stream, let bytes):
            let text = String(decoding: bytes, as: UTF8.self)
            write("output", step, ["stream": .string(stream.rawValue), "data": .string(text)])
        case .finished(let step, let outcome, let id, let seconds):
            let members: [String: JSONValue?] = [
                "outcome": .string(outcome.rawValue), "id": id.map { .string($0) }, "seconds": .number(seconds),
            ]
            write("finished", step, members)
        case .failed(let step): write("failed", step)
        case .explained(let step, let explanation): write("explained", step, ["reasons": .list(explanation.documents)])
        case .built(let id): write("built", ["id": .string(id)])
        case .tagged(let name): write("tagged", ["name": .string(name)])
        case .exported(let destination): write("exported", ["name": .string(destination)])
        }
    }

    private static func members(_ problem: Problem) -> [String: JSONValue?] {
        [
            "message": .string(problem.message), "rule": problem.rule.map { .string($0) },
            "name": (problem.place?.file).map { .string($0) }, "line": (problem.place?.line).map { .number(of: $0) },
            "column": (problem.place?.column).map { .number(of: $0) },
            "hints": problem.hints.isEmpty ? nil : .strings(problem.hints),
        ]
    }

    private func write(_ event: TransferEvent, of build: String?) {
        func write(_ name: String, _ members: [String: JSONValue?]) { self.write(name, members, of: build) }
        switch event {
        case .started(let direction, let repository, let tag):
            write(direction == .pull ? "pull" : "push", ["name": .string("\(repository):\(tag)")])
        case .note(let text): write("note", ["message": .string(text)])
        case .layer(_, let id, let state):
            var members: [String: JSONValue?] = ["id": .string(id)]
            switch state {
            case .waiting: members["state"] = .string("waiting")
            case .moving(let bytes, let size):
                members.merge(["state": .string("moving"), "bytes": .integer(bytes), "size": .integer(size)]) { $1 }
            case .working: members["state"] = .string("working")
            case .exists: members["state"] = .string("exists")
            case .mounted(let repository):
                members.merge(["state": .string("mounted"), "name": .string(repository)]) { $1 }
            case .done: members["state"] = .string("done")
            }
            write("layer", members)
        }
    }
}
