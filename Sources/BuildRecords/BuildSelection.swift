internal import Reporting

/// A step by the positions of its stage and in it.
public struct StepPlace: Sendable {
    public let stage: Int
    public let step: Int

    public init(stage: Int, step: Int) { (self.stage, self.step) = (stage, step) }
}

extension BuildRecordStore {
    /// The build that a user means.
    ///
    /// - Throws: `UserError` when none is remembered.
    public func found(_ text: String) throws -> BuildRecord {
        if let record = record(matching: text) { return record }
        throw UserError(
            text == "last"
                ? "no build has been recorded" : "no recorded build produced `\(EscapedText.escaped(text))`",
            hints: ["the latest \(BuildRecordStore.limit) builds of a store are recorded"]
        )
    }
}

extension BuildRecord {
    /// The steps with a number, or all.
    ///
    /// - Throws: `UserError` when there is none.
    public func places(ofStep number: Int?) throws -> [StepPlace] {
        guard let number else { return places }
        let found = places.filter { number > 0 && self[$0].number == number }
        guard !found.isEmpty else {
            throw UserError("the build has no step \(number): its steps are 1 to \(stepCount)")
        }
        return found
    }
}

extension BuildRecord {
    /// All steps in the order of the file.
    public var places: [StepPlace] {
        stages.indices.flatMap { stage in
            stages[stage].steps.indices.map { StepPlace(stage: stage, step: $0) }
        }
    }

    public subscript(place: StepPlace) -> Step { stages[place.stage].steps[place.step] }

    /// The stage's name, or its position where it has none.
    public func stageName(_ stage: Int) -> String { stages[stage].name ?? String(stage) }

    /// The N of `Step k/N`.
    public var stepCount: Int { stages.flatMap(\.steps).map(\.number).max() ?? 0 }
}
