/// A source of `COPY --parents`: which paths it selects, and which directory they are relative to.
public struct ParentsSource: Sendable {
    /// What stands before `/./`, which may have wildcards; empty for the root.
    public let pivot: [UInt8]
    /// Leaves of the pivot what the rest of the source selects, with the directories on the way.
    ///
    /// The rest is matched like a line of an ignore file: `**` stands for any number of directories, and a directory
    /// that matches brings all that it holds.
    public let filter: IgnoreFile
    /// The path that must exist; `nil` for a source with wildcards, which may match nothing.
    public let requiredPath: [UInt8]?

    /// - Throws: `BuildContextError.malformedPattern`.
    public init(_ source: [UInt8]) throws(BuildContextError) {
        let cut = source.indices.first { source[$0...].starts(with: "/./".utf8) }
        pivot = Array(source[..<(cut ?? 0)])
        let pattern = PathText.joined(PathText.clampedComponents(Array(source[(cut.map { $0 + 3 } ?? 0)...])))
        filter = pattern.isEmpty ? .empty : try IgnoreFile(keepingOnly: pattern)
        requiredPath = PathPattern.hasWildcards(source[...]) ? nil : PathText.appending(pattern, to: pivot)
    }
}
