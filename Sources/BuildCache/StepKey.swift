internal import ContentStore
public import OCI

/// One thing that a step's result depends on, by name, so that a difference can be told.
public struct NamedInput: Sendable, Hashable {
    /// Such as `instruction`, `files`, `environment PATH`.
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// What a step is looked up by: the SHA-256 over everything that can influence its result.
///
/// Two steps with the same inputs, in the same order, have the same key, in every store and on every machine.
public struct StepKey: Sendable, Hashable {
    public let inputs: [NamedInput]
    public let digest: Digest

    /// Bumped when the meaning of any input changes, which makes every older record a miss.
    private static let format = "swiftbuild step key 1"

    public init(_ inputs: [NamedInput]) {
        self.inputs = inputs
        var hasher = SHA256Hasher()
        hasher.update(StepKey.format)
        for input in inputs {
            // Lengths instead of separators: no value can pass for two.
            hasher.update("\n\(input.name.utf8.count) \(input.value.utf8.count) ")
            hasher.update(input.name)
            hasher.update(input.value)
        }
        digest = hasher.finish()
    }
}
