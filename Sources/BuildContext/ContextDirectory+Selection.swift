internal import FileSystem

extension ContextDirectory {
    /// What a source stands for: one root, or for a wildcard any number of them, sorted by component.
    ///
    /// Leading `/` and `..` stay inside the context. Symbolic links are followed, each inside the context, but not by the
    /// components of a wildcard: `l*/f` does not go through a link. `*` also matches names that begin with a dot.
    ///
    /// - Throws: `BuildContextError.missingSource`, for a wildcard only where the directory before it is missing: it may
    ///   match nothing; `.malformedPattern`, `.symbolicLinkLoop`, `.system`.
    public func select(source: [UInt8], wildcards: Wildcards) throws(BuildContextError) -> [SelectedRoot] {
        let components = PathText.clampedComponents(source)
        guard wildcards != .none, PathPattern.hasWildcards(source[...]) else {
            return [try existingRoot(components, writtenAs: source)]
        }
        return try expand(components)
    }

    private func existingRoot(_ components: [[UInt8]], writtenAs source: [UInt8]) throws(BuildContextError)
        -> SelectedRoot
    {
        let path = PathText.joined(components)
        switch try resolve(components) {
        case .found(let resolved, let status):
            return SelectedRoot(path: path, resolvedPath: resolved, status: status)
        case .ignored(let decision):
            throw .missingSource(MissingSource(path: source, exclusion: exclusion(decision), suggestion: nil))
        case .missing(let directory, let name):
            if try existing(components)?.kind == .symbolicLink { throw try dangling(source, path) }
            let suggestion = suggestion(for: components, missing: name, in: directory)
            throw .missingSource(MissingSource(path: source, exclusion: nil, suggestion: suggestion))
        }
    }

    /// What a source of `COPY --parents` stands for: the directories that its paths are relative to, with what they
    /// hold of them.
    ///
    /// - Parameter excluding: Further patterns, relative to those directories.
    /// - Throws: `BuildContextError.missingSource` unless it has wildcards, `.symbolicLinkAsParent`, and what `select`
    ///   and `list` throw.
    public func list(_ source: ParentsSource, excluding: IgnoreFile = .empty) throws(BuildContextError)
        -> [ContextListing]
    {
        var listings: [ContextListing] = []
        for root in try select(source: source.pivot, wildcards: .path) where root.isDirectory {
            listings.append(try list(root, excluding: [source.filter, excluding]))
        }
        if let path = source.requiredPath, listings.allSatisfy(\.isEmpty) {
            // It does not exist, or it is ignored, or only a link leads to it, or it holds nothing.
            _ = try select(source: path, wildcards: .none)
            let components = PathText.clampedComponents(path)
            for count in PathText.clampedComponents(source.pivot).count + 1..<max(components.count, 1) {
                let directory = Array(components.prefix(count))
                guard try existing(directory)?.kind != .symbolicLink else {
                    throw .symbolicLinkAsParent(PathText.joined(directory))
                }
            }
        }
        return listings
    }

    /// Everything that copying `root` takes.
    ///
    /// What the ignore file excludes is left out. A directory that is excluded but holds something
    /// that an exception brings back is there with the attributes it has.
    ///
    /// - Parameter excluding: Further patterns, relative to `root`, as `COPY --exclude` has them; for a file they are
    ///   matched with its name.
    /// - Throws: `BuildContextError.system` or `.changedWhileRead`.
    public func list(_ root: SelectedRoot, excluding: [IgnoreFile] = []) throws(BuildContextError) -> ContextListing {
        try ContextWalk(context: self, root: root, excluding: excluding).listing()
    }

    private func dangling(_ source: [UInt8], _ link: [UInt8]) throws(BuildContextError) -> BuildContextError {
        let target = try readLink(link)
        return .missingSource(MissingSource(path: source, exclusion: nil, suggestion: nil, linkTarget: target))
    }

    private func exclusion(_ decision: IgnoreFile.Decision) -> MissingSource.Exclusion {
        let pattern = ignoreFile.rules.first { $0.line == decision.line }?.pattern ?? []
        return MissingSource.Exclusion(file: ignoreFile.name, line: decision.line, pattern: pattern)
    }

    /// A directory in which a pattern is being matched.
    private struct Candidate {
        let path: [[UInt8]]
        let resolvedPath: [UInt8]
        let state: PathPattern.State
    }

    private func expand(_ components: [[UInt8]]) throws(BuildContextError) -> [SelectedRoot] {
        let literal = Array(components.prefix { !PathPattern.hasWildcards($0[...]) })
        let pattern = try PathPattern(PathText.joined(components.dropFirst(literal.count)), dialect: .path)
        let start = try existingRoot(literal, writtenAs: PathText.joined(literal))
        guard start.isDirectory else { return [] }
        var candidates = [Candidate(path: literal, resolvedPath: start.resolvedPath, state: pattern.start)]
        var roots: [SelectedRoot] = []
        while let candidate = candidates.popLast() {
            for name in try names(in: candidate.resolvedPath) {
                let state = name.withUnsafeBufferPointer { pattern.advance(candidate.state, over: $0) }
                let path = candidate.path + [name]
                if pattern.accepts(state) {
                    if let root = try match(path) { roots.append(root) }
                    continue
                }
                let below = pattern.advance(state, over: UInt32(PathText.slash))
                guard !below.isDead, let directory = directory(name, of: candidate) else { continue }
                candidates.append(Candidate(path: path, resolvedPath: directory, state: below))
            }
        }
        return roots.sorted { PathText.precedes($0.path, $1.path) }
    }

    /// What a wildcard matched; `nil` if it is ignored.
    private func match(_ path: [[UInt8]]) throws(BuildContextError) -> SelectedRoot? {
        switch try resolve(path) {
        case .found(let resolved, let status):
            return SelectedRoot(path: PathText.joined(path), resolvedPath: resolved, status: status)
        case .ignored:
            return nil
        case .missing:
            // Removed meanwhile, which is not an error, or a dangling link, which cannot be copied.
            guard try existing(path) != nil else { return nil }
            throw try dangling(PathText.joined(path), PathText.joined(path))
        }
    }

    /// The path of what may be a directory to continue in; a symbolic link is not (BuildKit).
    private func directory(_ name: [UInt8], of candidate: Candidate) -> [UInt8]? {
        let direct = PathText.appending(name, to: candidate.resolvedPath)
        guard FileStatus.ifPresent(filePath(direct))?.kind == .directory else { return nil }
        guard !ignoreFile.rules.isEmpty else { return direct }
        var state = ignoreFile.start
        for component in direct.split(separator: PathText.slash) {
            state = component.withUnsafeBufferPointer { ignoreFile.descend(into: $0, from: state) }
        }
        return ignoreFile.excludesEverything(below: state) ? nil : direct
    }

    private func names(in directory: [UInt8]) throws(BuildContextError) -> [[UInt8]] {
        do {
            return try FileOperations.names(in: filePath(directory))
        } catch {
            throw .system(error)
        }
    }
}
