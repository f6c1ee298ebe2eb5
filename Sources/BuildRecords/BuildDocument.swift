internal import BuildCache
internal import Formatting
internal import OCI
public import Reporting

/// A build as JSON: what was built, and what became of each step.
public struct BuildDocument: Encodable {
    public struct Step: Encodable {
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
        var reasons: [JSONValue]?

        private init(stage: String, step: Int, line: Int?, instruction: String, result: String) {
            (self.stage, self.step, self.line) = (stage, step, line)
            (self.instruction, self.result) = (instruction, result)
        }

        /// A step of which only an event tells.
        public init(_ step: BuildEvent.Step, _ outcome: BuildEvent.Outcome, _ explanation: StepExplanation?) {
            self.init(
                stage: step.stageName,
                step: step.number,
                line: nil,
                instruction: step.text,
                result: outcome.rawValue
            )
            reasons = explanation?.documents
        }

        fileprivate init(_ record: BuildRecord, _ place: StepPlace, _ explanation: StepExplanation?) {
            let step = record[place]
            self.init(
                stage: record.stageName(place.stage),
                step: step.number,
                line: step.line,
                instruction: step.text,
                result: step.result.rawValue
            )
            if let start = step.start {
                self.start = BuildDocument.seconds(start)
                seconds = step.end.map { BuildDocument.seconds($0 - start) }
            }
            if let wait = step.wait {
                waited = BuildDocument.seconds(max((step.start ?? record.duration) - wait.start, 0))
                waitedFor = wait.stages
            }
            key = step.key
            layer = step.layer?.diffID
            size = step.layer?.tarSize
            reasons = explanation?.documents
        }
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
    public init(_ record: BuildRecord, explain: (StepPlace) -> StepExplanation? = { _ in nil }) {
        self.init(record, record.places, explain: explain)
    }

    public init(_ record: BuildRecord, _ places: [StepPlace], explain: (StepPlace) -> StepExplanation?) {
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
        steps = places.map { Step(record, $0, explain($0)) }
    }

    /// Microseconds are more than enough, and short.
    fileprivate static func seconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds / 1000) / 1_000_000 }
}
