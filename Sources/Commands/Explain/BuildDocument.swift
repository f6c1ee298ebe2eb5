import BuildCache
import BuildRecords
import OCI
import Reporting

/// A build as JSON: what was built, and what became of each step.
struct BuildDocument: Encodable {
    struct Step: Encodable {
        /// The stage's name, or its position where it has none.
        let stage: String
        /// The k of `Step k/N`; 0 for triggers and for what the target does not need.
        let step: Int
        let line: Int?
        let instruction: String
        let result: String
        /// Seconds since the build began.
        var start: Double?
        var seconds: Double?
        /// Seconds before `start` in which it waited, for the stages in `waitedFor` or its turn.
        var waited: Double?
        var waitedFor: [String]?
        var key: Digest?
        var layer: Digest?
        /// The bytes of the layer's tar.
        var size: Int64?
        var reasons: [ReasonDocument]?
    }

    private let id: String
    private let dockerfile: String
    private let context: String?
    private let target: String?
    private let tags: [String]
    private let platform: String
    private let image: Digest?
    private let began: Timestamp
    private let seconds: Double
    private let ending: String
    private let steps: [Step]

    /// - Parameter explain: Tells why the step at a place was not in the cache.
    init(_ record: BuildRecord, explain: (StepPlace) -> StepExplanation? = { _ in nil }) {
        self.init(record, record.places, explain: explain)
    }

    init(_ record: BuildRecord, _ places: [StepPlace], explain: (StepPlace) -> StepExplanation?) {
        id = record.id.description
        dockerfile = record.dockerfile
        context = record.context
        target = record.target
        tags = record.tags
        platform = record.platform.description
        image = record.image
        began = Timestamp(nanosecondsSinceEpoch: record.id.nanoseconds)
        seconds = BuildDocument.seconds(record.duration)
        ending = record.ending.rawValue
        steps = places.map { place in
            let step = record[place]
            var document = Step(
                stage: record.stageName(place.stage),
                step: step.number,
                line: step.line,
                instruction: step.text,
                result: step.result.rawValue
            )
            if let start = step.start {
                document.start = BuildDocument.seconds(start)
                document.seconds = step.end.map { BuildDocument.seconds($0 - start) }
            }
            if let wait = step.wait {
                document.waited = BuildDocument.seconds(max((step.start ?? record.duration) - wait.start, 0))
                document.waitedFor = wait.stages
            }
            document.key = step.key
            document.layer = step.layer?.diffID
            document.size = step.layer?.tarSize
            document.reasons = explain(place).map { $0.reasons.map(ReasonDocument.init) }
            return document
        }
    }

    /// Microseconds are more than enough, and short.
    private static func seconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds / 1000) / 1_000_000 }
}

/// A step by the positions of its stage and in it.
struct StepPlace {
    let stage: Int
    let step: Int
}

extension BuildRecord {
    /// All steps in the order of the file.
    var places: [StepPlace] {
        stages.indices.flatMap { stage in
            stages[stage].steps.indices.map { StepPlace(stage: stage, step: $0) }
        }
    }

    subscript(place: StepPlace) -> Step { stages[place.stage].steps[place.step] }

    /// The stage's name, or its position where it has none.
    func stageName(_ stage: Int) -> String { stages[stage].name ?? String(stage) }

    /// The N of `Step k/N`.
    var stepCount: Int { stages.flatMap(\.steps).map(\.number).max() ?? 0 }
}
