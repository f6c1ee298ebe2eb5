internal import FileSystem
internal import Glibc
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
    private let container: Container
    private var descriptor: Int32 = -1
    private var older: [FilePath]
    private var rest: [UInt8] = []

    public init(_ container: Container) {
        self.container = container
        let path = container.directory.appending("log")
        older = (0..<max(container.record.log.fileCount, 1)).reversed().map { ContainerLog.path(path, number: $0) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// The entries that there are and were not read yet, oldest first; those that are not readable are left out.
    ///
    /// - Throws: `SystemError`.
    public mutating func next(_ body: (LogEntry) throws -> Void) throws {
        while !older.isEmpty {
            let path = older.removeFirst()
            if descriptor >= 0 { close(descriptor) }
            descriptor = (try? FileOperations.open(path, O_RDONLY)) ?? -1
            try readOpen(body)
        }
        try readOpen(body)
        guard hasRotated else { return }
        try readOpen(body)
        close(descriptor)
        descriptor = (try? FileOperations.open(container.directory.appending("log"), O_RDONLY)) ?? -1
        rest = []
        try readOpen(body)
    }

    /// Whether another file is written now.
    private var hasRotated: Bool {
        let path = container.directory.appending("log")
        guard let current = FileStatus.ifPresent(path) else { return false }
        guard descriptor >= 0, let own = try? FileStatus.of(descriptor: descriptor, path: path) else { return true }
        return own.inode != current.inode
    }

    private mutating func readOpen(_ body: (LogEntry) throws -> Void) throws {
        guard descriptor >= 0 else { return }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, Errno.current == .interrupted { continue }
            guard count > 0 else { return }
            rest += buffer[..<count]
            var start = 0
            while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                if let entry = try? CanonicalJSON.decode(LogEntry.self, from: Array(rest[start..<end])) {
                    try body(entry)
                }
                start = end + 1
            }
            rest.removeSubrange(..<start)
        }
    }
}
