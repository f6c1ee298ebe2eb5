extension IgnoreFile {
    /// What is known about a directory while it is walked: which rule decides about it, and how far each later
    /// rule has come with matching.
    struct DirectoryState: Sendable {
        /// The index of the last rule that matches the directory or one above it; -1 for none.
        var decidingRule: Int
        /// The rules that can still change the decision below the directory, the last one first.
        var open: [OpenRule]
    }

    /// A rule that something below a directory may match.
    struct OpenRule: Sendable {
        let index: Int
        let state: PathPattern.State
    }

    /// What can be said against most names without a look at the pattern.
    struct QuickTest: Sendable {
        private var minimum = 0
        private var first: UInt8?
        private var last: UInt8?

        init(_ pattern: PathPattern) {
            guard let component = pattern.lastComponent else { return }
            minimum = component.prefix.count + (component.suffix?.count ?? 0)
            first = component.prefix.first
            last = component.suffix == nil ? component.prefix.last : component.suffix?.last
        }

        func allows(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
            guard name.count >= max(minimum, 1) else { return minimum == 0 }
            if let first, name[0] != first { return false }
            if let last, name[name.count - 1] != last { return false }
            return true
        }
    }

    /// The state of the context itself, which no rule matches.
    var start: DirectoryState {
        let open = rules.indices.reversed().map { OpenRule(index: $0, state: rules[$0].matcher.start) }
        return DirectoryState(decidingRule: -1, open: open)
    }

    /// The index of the rule that decides about a name in a directory; -1 for none.
    func decidingRule(for name: UnsafeBufferPointer<UInt8>, in directory: DirectoryState) -> Int {
        for position in directory.open.indices {
            let index = directory.open[position].index
            if quickTests[index].allows(name), matches(name, rules[index].matcher, directory.open[position].state) {
                return index
            }
        }
        return directory.decidingRule
    }

    private func matches(
        _ name: UnsafeBufferPointer<UInt8>,
        _ matcher: PathPattern,
        _ state: PathPattern.State
    ) -> Bool {
        if let lastComponent = matcher.lastComponent { return lastComponent.matches(name) }
        return matcher.accepts(matcher.advance(state, over: name))
    }

    /// The state of a directory in a directory.
    func descend(into name: UnsafeBufferPointer<UInt8>, from directory: DirectoryState) -> DirectoryState {
        let deciding = decidingRule(for: name, in: directory)
        var open: [OpenRule] = []
        for rule in directory.open where rule.index > deciding {
            let matcher = rules[rule.index].matcher
            let state = matcher.advance(matcher.advance(rule.state, over: name), over: UInt32(PathText.slash))
            if !state.isDead { open.append(OpenRule(index: rule.index, state: state)) }
        }
        return DirectoryState(decidingRule: deciding, open: open)
    }

    /// Whether the rule with an index, or none if it is negative, excludes.
    func isIgnored(_ decidingRule: Int) -> Bool {
        decidingRule >= 0 && !rules[decidingRule].isException
    }

    /// Whether a directory is ignored and no exception can bring back anything below it.
    func excludesEverything(below directory: DirectoryState) -> Bool {
        isIgnored(directory.decidingRule) && !directory.open.contains { rules[$0.index].isException }
    }
}

extension [IgnoreFile] {
    /// Whether any of the files ignores a name in a directory, for which each has a state.
    func ignore(_ name: UnsafeBufferPointer<UInt8>, in states: [IgnoreFile.DirectoryState]) -> Bool {
        for (index, file) in enumerated() where !file.rules.isEmpty {
            if file.isIgnored(file.decidingRule(for: name, in: states[index])) { return true }
        }
        return false
    }

    /// The states of a directory in a directory; `nil` when nothing below it can count.
    func states(
        of name: UnsafeBufferPointer<UInt8>,
        in states: [IgnoreFile.DirectoryState],
        isIgnored: Bool
    ) -> [IgnoreFile.DirectoryState]? {
        var states = states
        for (index, file) in enumerated() where !file.rules.isEmpty {
            states[index] = file.descend(into: name, from: states[index])
            if isIgnored, file.excludesEverything(below: states[index]) { return nil }
        }
        return states
    }
}
