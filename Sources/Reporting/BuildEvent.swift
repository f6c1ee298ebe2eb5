/// What happens during a build, in the order in which it happens; everything a renderer shows comes from these.
public enum BuildEvent: Sendable {
    /// A step as the user counts it.
    public struct Step: Sendable, Hashable {
        /// The stage's position in the file.
        public let stage: Int
        /// The stage's name, or its position where it has none.
        public let stageName: String
        /// The k of `Step k/N`; 0 for a trigger of a base image.
        public let number: Int
        /// The N of `Step k/N`.
        public let total: Int
        /// The instruction on one line, without the credentials of addresses.
        public let text: String
        /// The build, where several are shown together.
        public fileprivate(set) var build: String?

        public init(stage: Int, stageName: String, number: Int, total: Int, text: String) {
            self.stage = stage
            self.stageName = stageName
            self.number = number
            self.total = total
            self.text = CredentialMask.masked(text)
        }
    }

    /// How a step got its result.
    public enum Outcome: String, Sendable {
        /// `FROM`: there was nothing to do.
        case base
        /// An earlier result was used.
        case cached
        /// The work was done.
        case ran
        /// There is no result, and the work must not be done.
        case missed = "would run"
        /// It cannot be told without the files of a step that was not made.
        case unknown
    }

    public enum Stream: String, Sendable {
        case output = "stdout"
        case error = "stderr"
    }

    /// An image that is needed moves between a registry and the store.
    case transfer(TransferEvent)
    case warning(source: SourceText, Diagnostic)
    /// Something a user should know that has no place in the Dockerfile.
    case note(String)
    /// The number of stages and of steps that the target needs.
    case planned(stages: Int, steps: Int)
    /// The step cannot continue before these stages are complete, and has not started; without any it has, and a step that
    /// works has to end.
    case waiting(Step, for: [String])
    /// The step, which had started, waits no longer.
    case resumed(Step)
    case started(Step)
    /// A process was started for the step, under this name.
    case running(Step, id: String)
    /// Bytes that the step's process wrote, in pieces of any length.
    case output(Step, Stream, [UInt8])
    /// The bytes that the layer of a `COPY` or `ADD` has so far, after every few megabytes.
    case written(Step, bytes: Int64)
    /// `id` is the first 12 digits of the step's result; `nil` for `FROM scratch`.
    case finished(Step, Outcome, id: String?, seconds: Double)
    case failed(Step)
    /// Why a step has no earlier result; before it is made.
    case explained(Step, StepExplanation)
    /// The image ID as 64 hexadecimal digits with `sha256:`.
    case built(id: String)
    case tagged(String)
    case exported(String)
    /// An event that is not a step's, of one of several builds that are shown together.
    indirect case part(of: String, BuildEvent)

    /// The event as one of several builds that are shown together.
    public func part(of build: String) -> BuildEvent {
        func own(_ step: Step) -> Step {
            var step = step
            step.build = build
            return step
        }
        return switch self {
        case .waiting(let step, let stages): .waiting(own(step), for: stages)
        case .resumed(let step): .resumed(own(step))
        case .started(let step): .started(own(step))
        case .running(let step, let id): .running(own(step), id: id)
        case .output(let step, let stream, let bytes): .output(own(step), stream, bytes)
        case .written(let step, let bytes): .written(own(step), bytes: bytes)
        case .finished(let step, let outcome, let id, let seconds):
            .finished(own(step), outcome, id: id, seconds: seconds)
        case .failed(let step): .failed(own(step))
        case .explained(let step, let explanation): .explained(own(step), explanation)
        case .transfer, .warning, .note, .planned, .built, .tagged, .exported: .part(of: build, self)
        case .part: self
        }
    }
}
