/// The identity of a stack of layers (config.md, "Layer ChainID"): what a filesystem made of them is named by.
///
/// The digest function is passed in, since this target has no cryptography.
public struct ChainID: Sendable, Hashable {
    public let digest: Digest

    /// The chain of `diffIDs`, lowest first; `nil` for none.
    public init?(_ diffIDs: some Sequence<Digest>, sha256: (String) -> Digest) {
        var chain: Digest?
        for diffID in diffIDs { chain = chain.map { sha256("\($0) \(diffID)") } ?? diffID }
        guard let chain else { return nil }
        digest = chain
    }
}
