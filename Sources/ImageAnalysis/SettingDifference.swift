public import OCI

/// A setting that two images do not have in common.
public struct SettingDifference: Sendable, Equatable {
    /// As the configuration names it, such as `Cmd`, `Env.PATH`, `Labels.version` or `architecture`.
    public let name: String
    /// `nil` where the image does not have it.
    public let before: JSONValue?
    public let after: JSONValue?

    /// All differences between the configurations of two images, by name; layers, history and times left out.
    ///
    /// Variables, labels, ports and volumes are compared one by one.
    ///
    /// - Throws: Nothing for a configuration that was decoded; the encoder's error otherwise.
    public static func all(_ before: ImageConfiguration, _ after: ImageConfiguration) throws -> [SettingDifference] {
        let (left, right) = (try settings(before), try settings(after))
        return Set(left.keys).union(right.keys).sorted().compactMap { name in
            left[name] == right[name]
                ? nil : SettingDifference(name: name, before: left[name], after: right[name])
        }
    }

    private static func settings(_ configuration: ImageConfiguration) throws -> [String: JSONValue] {
        func members(_ value: some Encodable) throws -> [String: JSONValue] {
            let decoded = try CanonicalJSON.decode(JSONValue.self, from: try CanonicalJSON.encode(value))
            if case .object(let members) = decoded { return members }
            return [:]
        }
        var result = try members(configuration)
        for name in ["config", "rootfs", "history", "created"] { result[name] = nil }
        for (name, value) in try members(configuration.config) {
            switch value {
            case .object(let entries) where name != "Healthcheck":
                for (key, entry) in entries { result["\(name).\(key)"] = entry }
            case .list(let entries) where name == "Env":
                for entry in entries {
                    let parts = (entry.string ?? "").split(
                        separator: "=",
                        maxSplits: 1,
                        omittingEmptySubsequences: false
                    )
                    result["Env.\(parts.first ?? "")"] = .string(parts.count > 1 ? String(parts[1]) : "")
                }
            default: result[name] = value
            }
        }
        return result
    }
}
