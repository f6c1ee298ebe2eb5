public import OCI
internal import SystemPackage

/// A piece of what a container wrote, usually a line with its end.
public struct LogEntry: Sendable, Codable {
    public let log: String
    public let stream: LogStream
    public let time: Timestamp
}

/// Reads the log of a container from its beginning on, and what is added to it.
public struct LogReader: ~Copyable {
    private var lines: LineReader

    public init(_ container: Container) {
        lines = LineReader(container.directory.appending("log"), fileCount: container.record.log.fileCount)
    }

    /// The entries that there are and were not read yet, oldest first; those that are not readable are left out.
    public mutating func next(_ body: (LogEntry) throws -> Void) rethrows {
        try lines.next { line in
            if let entry = try? CanonicalJSON.decode(LogEntry.self, from: line) { try body(entry) }
        }
    }
}
