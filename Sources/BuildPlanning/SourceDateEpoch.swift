/// The time that a reproducible build counts as made at (reproducible-builds.org/specs/source-date-epoch).
public enum SourceDateEpoch {
    /// The name of the environment variable, and of the build argument that it becomes.
    public static let name = "SOURCE_DATE_EPOCH"

    /// What stands in the place of a number of seconds: something that says itself when it was made.
    public enum Source: Sendable, Hashable {
        /// `context`.
        case context
        /// A `--build-context`, by its key.
        case named(String)
        /// A stage that adds one remote source and nothing else, by its file index.
        case stage(Int)
    }

    /// Parses seconds since 1970; `nil` for anything else, and for what nanoseconds in 64 bits do not reach (2262).
    public static func seconds(_ text: String) -> Int64? {
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let seconds = Int64(text),
            seconds <= .max / 1_000_000_000
        else { return nil }
        return seconds
    }
}
