internal import FileSystem
internal import Glibc
internal import OCI
public import SystemPackage

/// The events of a store: since there is no daemon, each supervisor and each command adds a line to one file.
///
/// What happens to a container without a supervisor is told by the command that does it. A file of 4 MB becomes `events.1`,
/// in the place of the one before.
public struct EventLog: Sendable {
    private let store: Store

    private static let sizeLimit: Int64 = 4 << 20
    /// How many files there are, the one that is written among them.
    public static let fileCount = 2

    public init(_ store: Store) { self.store = store }

    /// The file that is written.
    public var path: FilePath { store.root.appending("events") }

    /// Adds an event.
    ///
    /// One that cannot be written is left out: nothing fails for it.
    public func add(_ kind: StoreEvent.Kind, _ action: String, _ subject: String, _ attributes: [String: String]) {
        let event = StoreEvent(
            kind: kind,
            action: action,
            subject: subject,
            attributes: attributes,
            time: WallClock.now
        )
        guard let line = try? CanonicalJSON.encode(event) + [UInt8(ascii: "\n")] else { return }
        rotate()
        guard let file = try? FileOperations.open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600) else { return }
        defer { close(file) }
        // In one go, so that lines of several processes are never mixed.
        _ = line.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    }

    /// Adds that what was not in use has been removed.
    ///
    /// - Parameter bytes: What that has freed.
    public func addPrune(_ kind: StoreEvent.Kind, freed bytes: Int64) {
        add(kind, "prune", "", ["reclaimed": "\(bytes)"])
    }

    private func rotate() {
        func isFull() -> Bool { (FileStatus.ifPresent(path)?.size ?? 0) >= EventLog.sizeLimit }
        guard isFull(), let lock = try? FileLock.acquire(store[.locks].appending("events"), .exclusive) else { return }
        defer { withExtendedLifetime(lock) {} }
        if isFull() { try? FileOperations.rename(path, to: FilePath("\(path).1")) }
    }
}
