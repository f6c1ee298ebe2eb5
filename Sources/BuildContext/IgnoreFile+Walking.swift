extension IgnoreFile {
    /// What is known about a directory while it is walked: which rule decides about it, and how far each later
    /// rule has come with matching.
    struct DirectoryState: Sendable {
        /// The index of the last rule that matches the directory or one above it; -1 for none.
        var decidingRule: Int
        /// One for each rule after `decidingRule`, which are the only ones that can still change the decision.
        var states: [PathPattern.State]
    }

    /// The state of the context itself, which no rule matches.
    var start: DirectoryState {
        DirectoryState(decidingRule: -1, states: rules.map { $0.matcher.start })
    }

    /// The index of the rule that decides about a name in a directory; -1 for none.
    func decidingRule(for name: UnsafeBufferPointer<UInt8>, in directory: DirectoryState) -> Int {
        var index = rules.count - 1
        while index > directory.decidingRule {
            let matcher = rules[index].matcher
            if let lastComponent = matcher.lastComponent {
                if lastComponent.matches(name) { return index }
            } else {
                let state = directory.states[index - directory.decidingRule - 1]
                if !state.isDead, matcher.accepts(matcher.advance(state, over: name)) { return index }
            }
            index -= 1
        }
        return directory.decidingRule
    }

    /// The state of a directory in a directory.
    func descend(into name: UnsafeBufferPointer<UInt8>, from directory: DirectoryState) -> DirectoryState {
        let deciding = decidingRule(for: name, in: directory)
        var states: [PathPattern.State] = []
        states.reserveCapacity(rules.count - deciding - 1)
        for index in (deciding + 1)..<rules.count {
            let matcher = rules[index].matcher
            let state = directory.states[index - directory.decidingRule - 1]
            states.append(matcher.advance(matcher.advance(state, over: name), over: UInt32(PathText.slash)))
        }
        return DirectoryState(decidingRule: deciding, states: states)
    }

    func isIgnored(_ decidingRule: Int) -> Bool {
        decidingRule >= 0 && !rules[decidingRule].isException
    }

    /// Whether a directory is ignored and no exception can bring back anything below it.
    func excludesEverything(below directory: DirectoryState) -> Bool {
        guard isIgnored(directory.decidingRule) else { return false }
        for (offset, state) in directory.states.enumerated()
        where rules[directory.decidingRule + 1 + offset].isException && !state.isDead {
            return false
        }
        return true
    }
}
