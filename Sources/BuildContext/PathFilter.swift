/// Applies patterns to a tree that is visited in order, parents first, wherever it comes from.
public struct PathFilter {
    public enum Verdict: Sendable {
        case taken
        /// With all that is below.
        case ignored
        /// A directory that is there only if something below it is taken.
        case onlyWithContents
    }

    private let files: [IgnoreFile]
    /// The directories down to the one that was visited last, and how far the patterns have come in each.
    private var open: [(path: [UInt8], states: [IgnoreFile.DirectoryState])]

    public init(_ files: [IgnoreFile]) {
        self.files = files
        open = [([], files.map(\.start))]
    }

    /// What becomes of a path, whose parent must have been visited.
    public mutating func verdict(for path: [UInt8], isDirectory: Bool) -> Verdict {
        if files.allSatisfy(\.rules.isEmpty) { return .taken }
        let slash = path.lastIndex(of: PathText.slash)
        while open.count > 1, !open[open.count - 1].path.elementsEqual(path[..<(slash ?? 0)]) { open.removeLast() }
        let states = open[open.count - 1].states
        return path[((slash ?? -1) + 1)...].withUnsafeBufferPointer { name in
            let isIgnored = files.ignore(name, in: states)
            guard isDirectory else { return isIgnored ? .ignored : .taken }
            guard let below = files.states(of: name, in: states, isIgnored: isIgnored) else { return .ignored }
            open.append((path, below))
            return isIgnored ? .onlyWithContents : .taken
        }
    }
}
