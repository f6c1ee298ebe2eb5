import ContainerNetworks
import Formatting
import Glibc
import OCI
import Reporting

/// Which networks `--filter` leaves: those that each name has one of the values for.
struct NetworkFilter {
    private var values: [String: [String]] = [:]

    /// - Throws: `UserError` with the status for wrong use.
    init(_ texts: [String], known: [String]) throws {
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, known.contains(parts[0]) else {
                let names = known.joined(separator: ", ")
                throw UserError("--filter: unknown `\(text)`; known are \(names)", status: .usage)
            }
            values[parts[0], default: []].append(parts[1])
        }
        for text in values["until"] ?? [] where GoDuration.nanoseconds(text) == nil {
            throw UserError("--filter: until: invalid duration `\(text)`: expected, for example, 24h", status: .usage)
        }
    }

    /// Whether it matters if containers use a network.
    var needsUse: Bool { values["dangling"] != nil }

    func accepts(_ record: NetworkRecord) -> Bool { accepts(ListedNetwork(record), isUsed: false) }

    func accepts(_ network: ListedNetwork, isUsed: Bool) -> Bool {
        values.allSatisfy { name, values in
            switch name {
            case "label": values.allSatisfy { network.hasLabel($0) }
            case "label!": values.allSatisfy { !network.hasLabel($0) }
            case "until": values.allSatisfy { network.isOlder(than: GoDuration.nanoseconds($0) ?? 0) }
            default: values.contains { network.matches(name, $0, isUsed: isUsed) }
            }
        }
    }
}

extension ListedNetwork {
    fileprivate func matches(_ name: String, _ value: String, isUsed: Bool) -> Bool {
        let isOwn = record.map { !$0.isDefault } ?? false
        return switch name {
        case "name": self.name.contains(value)
        case "id": "\(id)".hasPrefix(value)
        case "driver": driver == value
        case "dangling": (isOwn && !isUsed) == ["true", "1"].contains(value)
        case "type": (isOwn ? "custom" : "builtin") == value
        default: false
        }
    }

    fileprivate func hasLabel(_ text: String) -> Bool {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        return (record?.labels[parts[0]]).map { parts.count == 1 || $0 == parts[1] } ?? false
    }

    fileprivate func isOlder(than age: Int64) -> Bool {
        let created = record?.created.secondsSinceEpoch ?? 0
        return created <= Int64(time(nil)) - age / 1_000_000_000
    }
}
