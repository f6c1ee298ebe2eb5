public import ContentStore
public import FileSystem
public import OCI

/// What is known about the contents of a context's files by their status alone, kept in the store between builds.
///
/// Safe for any number of threads and processes; of two that save at once the last one's file stays.
public final class FingerprintCache: Sendable {
    /// Opens the file for a context; a missing or damaged one counts as empty.
    public init(store: Store, context: ContextDirectory) { fatalError() }

    /// The digest of the content, if the very same status was seen when it was read.
    public func digest(for status: FileStatus) -> Digest? { fatalError() }

    /// Writes what was learned since the file was opened; does nothing when there is nothing new.
    public func save() throws(BuildContextError) { fatalError() }
}
