import Glibc
import Images
import OCI
import Reporting
import StoreMaintenance

/// What `images --filter` leaves, of Docker's filters.
struct ImageFilter {
    private enum Condition {
        case dangling(Bool)
        case reference(String)
        case label(name: String, value: String?)
        /// Compared by seconds since 1970.
        case created(before: Bool, Int64)
    }

    private let conditions: [Condition]
    private let images: ImageStore

    /// - Throws: `UserError` for an unknown filter, `ImageError` for an image that is not there.
    init(_ texts: [String], in images: ImageStore) throws {
        self.images = images
        conditions = try texts.map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else { throw ImageFilter.wrong(text, "write NAME=VALUE") }
            switch parts[0] {
            case "dangling":
                guard let isDangling = ["true": true, "1": true, "false": false, "0": false][parts[1]] else {
                    throw ImageFilter.wrong(text, "it is true or false")
                }
                return .dangling(isDangling)
            case "reference": return .reference(parts[1])
            case "label":
                let label = parts[1].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return .label(name: String(label[0]), value: label.count == 2 ? String(label[1]) : nil)
            case "before", "since":
                let created = try images.find(parts[1]).created
                return .created(before: parts[0] == "before", created?.secondsSinceEpoch ?? 0)
            case "until":
                let time = try PruneLimits.time(ago: parts[1], "--filter until")
                return .created(before: true, time / 1_000_000_000)
            default: throw ImageFilter.wrong(text, "known are dangling, reference, label, before, since and until")
            }
        }
    }

    func accepts(_ row: ImageRow) -> Bool { conditions.allSatisfy { accepts(row, $0) } }

    private func accepts(_ row: ImageRow, _ condition: Condition) -> Bool {
        switch condition {
        case .dangling(let isDangling): return (row.repository == "<none>") == isDangling
        case .reference(let pattern): return ImageFilter.matches(row, pattern)
        case .label(let name, let value):
            guard let image = images.image(id: row.id), let labels = try? images.configuration(of: image).config.labels,
                let found = labels[name]
            else { return false }
            return value == nil || found == value
        case .created(let isBefore, let time):
            guard let created = row.created?.secondsSinceEpoch else { return isBefore }
            return isBefore ? created < time : created > time
        }
    }

    /// Whether a name, with its tag or without, matches a pattern with `*`, `?` and `[…]`, none of which is a slash.
    private static func matches(_ row: ImageRow, _ pattern: String) -> Bool {
        let names = [row.repository, "\(row.repository):\(row.tag)"]
        return row.repository != "<none>"
            && names.contains { name in fnmatch(pattern, name, FNM_PATHNAME) == 0 }
    }

    private static func wrong(_ text: String, _ reason: String) -> UserError {
        UserError("--filter: `\(text)`: \(reason)", status: .usage)
    }
}
