/// What decides whether a container of a service is still the right one.
public struct ServiceConfiguration: Sendable, Equatable {
    /// Docker Compose's digest of it, in hexadecimal digits.
    public let hash: String
    /// Each value by its path in the Compose file, such as `environment.DEBUG` and `ports[0].published`, and what the hash
    /// does not tell, such as the content of configs; empty where only the hash is known.
    public let values: [String: String]

    public init(hash: String, values: [String: String]) {
        (self.hash, self.values) = (hash, values)
    }

    /// Whether a container that was made of another one is still the right one.
    public func isSatisfied(by other: ServiceConfiguration) -> Bool {
        hash == other.hash && (other.values.isEmpty || values == other.values)
    }

    func adding(_ more: [String: String]) -> ServiceConfiguration {
        ServiceConfiguration(hash: hash, values: values.merging(more) { $1 })
    }

    /// The values that are not the same in another configuration, in the order of their paths.
    public func changes(from old: ServiceConfiguration) -> [ConfigurationChange] {
        guard !old.values.isEmpty else { return [] }
        return Set(values.keys).union(old.values.keys).sorted().compactMap { path in
            let change = ConfigurationChange(path: path, old: old.values[path], new: values[path])
            return change.old == change.new ? nil : change
        }
    }
}

/// A value of a service that is not what it was when a container was made.
public struct ConfigurationChange: Sendable, Equatable {
    public let path: String
    /// `nil` where there was none.
    public let old: String?
    /// `nil` where there is none.
    public let new: String?

    public init(path: String, old: String?, new: String?) { (self.path, self.old, self.new) = (path, old, new) }
}

extension PrintedValue {
    /// The values that are not made of others, by path.
    func leaves(at path: String = "", into values: inout [String: String]) {
        switch self {
        case .null: values[path] = "null"
        case .boolean(let value): values[path] = "\(value)"
        case .integer(let value): values[path] = "\(value)"
        case .number(let value): values[path] = NumberText.of(value)
        case .string(let text): values[path] = text
        case .list(let list):
            for (index, value) in list.enumerated() { value.leaves(at: "\(path)[\(index)]", into: &values) }
        case .object(let members):
            for (key, value) in members { value.leaves(at: path.isEmpty ? key : "\(path).\(key)", into: &values) }
        }
    }
}
