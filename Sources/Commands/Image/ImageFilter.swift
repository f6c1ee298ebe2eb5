import CommandSupport
import Glibc
import Images
import OCI
import StoreMaintenance

/// What `images --filter` leaves, of Docker's filters.
struct ImageFilter {
    private let filters: NamedFilters
    private let isDangling: Bool?
    /// Only images that were created in between, in nanoseconds since 1970; one without a time is older than all.
    private let earliest: Int64
    private let latest: Int64
    private let images: ImageStore

    /// - Throws: `UserError` for an unknown filter, `ImageError` for an image that is not there.
    init(_ texts: [String], in images: ImageStore) throws {
        self.images = images
        let filters = try NamedFilters(
            texts,
            known: ["dangling", "reference", "label", "before", "since", "until"]
        )
        isDangling = try filters.isOn("dangling")
        func created(_ name: String) throws -> Int64 { try images.find(name).created?.nanosecondsSinceEpoch ?? 0 }
        // Docker: all of several have to hold.
        let ages = try (filters["until"] ?? []).map { try PruneLimits.time(ago: $0, "--filter until") }
        latest = (try (filters["before"] ?? []).map(created) + ages).min() ?? .max
        earliest = try (filters["since"] ?? []).map(created).max() ?? .min
        self.filters = filters
    }

    func accepts(_ row: ImageRow) -> Bool {
        filters.accepts(labels: labels(of: row)) { name, value in
            switch name {
            case "dangling": (row.repository == "<none>") == isDangling
            case "reference": ImageFilter.matches(row, value)
            case "since": (row.created?.nanosecondsSinceEpoch ?? .min) > earliest
            default: (row.created?.nanosecondsSinceEpoch ?? .min) < latest
            }
        }
    }

    private func labels(of row: ImageRow) -> [String: String] {
        images.image(id: row.id).flatMap { try? images.configuration(of: $0).config.labels } ?? [:]
    }

    /// Whether a name, with its tag or without, matches a pattern with `*`, `?` and `[…]`, none of which is a slash.
    private static func matches(_ row: ImageRow, _ pattern: String) -> Bool {
        let names = [row.repository, "\(row.repository):\(row.tag)"]
        return row.repository != "<none>"
            && names.contains { name in fnmatch(pattern, name, FNM_PATHNAME) == 0 }
    }
}
