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
        var members: [String: JSONValue] = [
            "id": .string(id.description), "dockerfile": .string(dockerfile), "tags": .strings(tags),
            "platform": .string(platform.description), "seconds": .seconds(duration),
            "ending": .string(ending.rawValue),
        ]
        members["context"] = context.map { .string($0) }
        members["target"] = target.map { .string($0) }
        members["image"] = image.map { .string($0.description) }
        members["isolation"] = isolation.map { .string($0) }
        members["began"] = .string(Timestamp(nanosecondsSinceEpoch: id.nanoseconds).description)
        members["steps"] = .list((places ?? self.places).map { document(of: $0, explain($0)) })
        return .object(members)
    }

    private func document(of place: StepPlace, _ explanation: StepExplanation?) -> JSONValue {
        let step = self[place]
        var members: [String: JSONValue] = [
            // The stage's name, or its position where it has none.
            "stage": .string(stageName(place.stage)),
            // The k of `Step k/N`; 0 for triggers and for what the target does not need.
            "step": .number(of: step.number),
            "instruction": .string(step.text), "result": .string(step.result.rawValue),
        ]
        members["line"] = .number(of: step.line)
        if let start = step.start {
            // Since the build began.
            members["start"] = .seconds(start)
            members["seconds"] = step.end.map { .seconds($0 - start) }
        }
        if let wait = step.wait {
            // Before `start`, for the stages in `waitedFor` or its turn.
            members["waited"] = .seconds(max((step.start ?? duration) - wait.start, 0))
            members["waitedFor"] = .strings(wait.stages)
        }
        members["key"] = step.key.map { .string($0.description) }
        members["layer"] = step.layer.map { .string($0.diffID.description) }
        // The bytes of the layer's tar.
        members["size"] = step.layer.map { .integer($0.tarSize) }
        members["reasons"] = explanation.map { .list($0.documents) }
        return .object(members)
    }
}

extension JSONValue {
    /// Microseconds are more than enough, and short.
    fileprivate static func seconds(_ nanoseconds: Int64) -> JSONValue {
        .number(Double(nanoseconds / 1000) / 1_000_000)
    }
}
