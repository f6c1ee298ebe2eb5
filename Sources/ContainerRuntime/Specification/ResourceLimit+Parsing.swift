public import Sandbox

extension ResourceLimit {
    /// Parses `NAME=SOFT[:HARD]` as `--ulimit` has it; -1 means no limit.
    ///
    /// - Throws: `ContainerError.invalidSetting`.
    public init(parsing text: String) throws(ContainerError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw .invalidSetting(text, reason: "expected NAME=SOFT[:HARD]") }
        guard let resource = Resource(rawValue: String(parts[0])) else {
            let known = Resource.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidSetting(text, reason: "unknown limit `\(parts[0])`; known are \(known)")
        }
        let values = parts[1].split(separator: ":", omittingEmptySubsequences: false).map { value in
            value == "-1" || value == "unlimited" ? UInt64.max : UInt64(value)
        }
        guard (1...2).contains(values.count), let soft = values[0], let hard = values[values.count - 1] else {
            throw .invalidSetting(text, reason: "a limit is a number, or -1 for none")
        }
        guard let limit = ResourceLimit(resource, soft: soft, hard: hard) else {
            throw .invalidSetting(text, reason: "the soft limit is above the hard one")
        }
        self = limit
    }
}
