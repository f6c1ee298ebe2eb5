internal import BuildCache
internal import Formatting
public import OCI
public import Reporting

extension BuildRecord {
    /// The build as JSON: what was built, and what became of each step.
    ///
    /// - Parameters:
    ///   - places: The steps; all of them where it is `nil`.
    ///   - explain: Tells why the step at a place was not in the cache.
    public func document(
        _ places: [StepPlace]? = nil,
        explain: (StepPlace) -> StepExplanation? = { _ in nil }
    ) -> JSONValue {
        .members([
            "id": .string(id.description), "dockerfile": .string(dockerfile), "context": context.map { .string($0) },
            "target": target.map { .string($0) }, "tags": .strings(tags), "platform": .string(platform.description),
            "image": image.map { .string($0.description) },
            "began": .string(Timestamp(nanosecondsSinceEpoch: id.nanoseconds).description),
            "seconds": .seconds(duration), "ending": .string(ending.rawValue),
            "steps": .list((places ?? self.places).map { document(of: $0, explain($0)) }),
        ])
    }

    private func document(of place: StepPlace, _ explanation: StepExplanation?) -> JSONValue {
        let step = self[place]
        let (start, end, wait) = (step.start, step.start == nil ? nil : step.end, step.wait)
        return .members([
            // The stage's name, or its position where it has none.
            "stage": .string(stageName(place.stage)),
            // The k of `Step k/N`; 0 for triggers and for what the target does not need.
            "step": .number(of: step.number),
            "line": step.line.map { .number(of: $0) }, "instruction": .string(step.text),
            "result": .string(step.result.rawValue),
            // Seconds since the build began.
            "start": start.map { .seconds($0) }, "seconds": end.map { .seconds($0 - (start ?? 0)) },
            // Seconds before `start` in which it waited, for the stages in `waitedFor` or its turn.
            "waited": wait.map { .seconds(max((start ?? duration) - $0.start, 0)) },
            "waitedFor": wait.map { .strings($0.stages) },
            "key": step.key.map { .string($0.description) },
            "layer": (step.layer?.diffID).map { .string($0.description) },
            // The bytes of the layer's tar.
            "size": (step.layer?.tarSize).map { .integer($0) },
            "reasons": explanation.map { .list($0.documents) },
        ])
    }
}

extension JSONValue {
    /// Microseconds are more than enough, and short.
    fileprivate static func seconds(_ nanoseconds: Int64) -> JSONValue {
        .number(Double(nanoseconds / 1000) / 1_000_000)
    }
}
