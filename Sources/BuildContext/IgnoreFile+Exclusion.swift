extension IgnoreFile {
    /// The line that excludes a path with everything below it, so that nothing can be copied from there.
    ///
    /// - Returns: `nil` when the path is not excluded, or an exception may bring back something below it. The context
    ///   itself counts as excluded only by `*`, `**` and `**/*`.
    public func exclusion(ofEverythingAt path: [UInt8]) -> Int? {
        let components = PathText.clampedComponents(path)
        guard !components.isEmpty else {
            guard !rules.contains(where: \.isException) else { return nil }
            return rules.first { ["*", "**", "**/*"].contains(String(decoding: $0.pattern, as: UTF8.self)) }?.line
        }
        var state = start
        for component in components {
            state = component.withUnsafeBufferPointer { descend(into: $0, from: state) }
        }
        return excludesEverything(below: state) ? decision(state.decidingRule)?.line : nil
    }
}
