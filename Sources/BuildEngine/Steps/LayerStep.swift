import BuildCache
import Layers
import OCI
import Reporting

/// A step that makes a layer: what decides the layer, and how it is made.
///
/// `execute` does the rest, the same for all: it looks for the layer, or has it made, and remembers it.
protocol LayerStep: Sendable {
    var context: StepContext { get }
    /// Whether the key and the layer are the same on top of any other layers.
    var isIndependent: Bool { get }
    /// Whether of several builds at once only one makes the layer, as far as they share a cache.
    var isMadeOnce: Bool { get }
    /// A key that is known before any content is read, under which another store may have an equal layer.
    func alias() async throws -> StepAlias?
    /// Reads what decides the layer.
    ///
    /// - Parameter isFirstAttempt: Whether no file has changed yet while it was copied.
    /// - Returns: Everything that can influence the layer.
    mutating func readInputs(isFirstAttempt: Bool) async throws -> [NamedInput]
    /// What the layer will hold, for an explanation; `nil` where that is not known before it is made.
    func plannedFiles() async -> PlannedFiles?
    /// Waits for what making the layer needs, before it takes a slot.
    func prepare() async throws
    /// Makes the layer; the inputs were read before.
    func make(_ key: StepKey) async throws -> StepProduct
}

extension LayerStep {
    var isIndependent: Bool { false }
    var isMadeOnce: Bool { false }
    func alias() async throws -> StepAlias? { nil }
    func plannedFiles() async -> PlannedFiles? { nil }
    func prepare() async throws {}
}

/// A key by what a step's sources are made of; it only leads to the key by their content, since two makings of a stage
/// may differ.
struct StepAlias {
    let key: StepKey
    /// Whether content would have to be fetched to know the other key.
    let isNeeded: Bool
}

/// What the making of a layer gives.
enum StepProduct {
    case layer(Layer)
    /// What a process left, of which a layer is made while later steps already run.
    case changes(RunProcess.Product)
}

/// What a step puts on top of its stage.
struct StepResult {
    let outcome: BuildEvent.Outcome
    let layer: StageLayer
    /// What the keys of later steps build on.
    let keyAbove: StepKey
    /// When the layer was made, in nanoseconds since 1970.
    let created: Int64
    /// The key, if other builds were kept from making the layer.
    var claim: Digest?
    /// Whether the users of the image are still those below.
    var keepsUsers = false
    /// Ends the layer while later steps already run.
    var background: (@Sendable () async throws -> Void)?
}
