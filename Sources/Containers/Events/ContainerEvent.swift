internal import ContentStore
internal import FileSystem
internal import Glibc
public import Layers
internal import OCI
internal import SystemPackage

/// Something that has happened to a container or a volume, as `docker events` has it.
public struct ContainerEvent: Sendable, Codable {
    /// Docker's words for what an event is about.
    public enum Kind: String, Sendable, Codable, CaseIterable {
        case container, volume, network
    }

    public let kind: Kind
    /// Docker's word, such as `die`, or `health_status: healthy`.
    public let action: String
    /// The ID of the container, or the name of the volume.
    public let subject: String
    /// The name, the image and the labels, and what belongs to the action.
    public let attributes: [String: String]
    /// Nanoseconds since 1970.
    public let time: Int64
}

/// The events of a store: since there is no daemon, each supervisor and each command adds a line to one file.
///
/// What happens to a container without a supervisor is told by the command that does it. A file of 4 MB becomes `events.1`,
/// in the place of the one before.
public struct EventLog: Sendable {
    private let store: Store
    private var path: FilePath { store.root.appending("events") }

    private static let sizeLimit: Int64 = 4 << 20
    private static let fileCount = 2

    public init(_ layers: LayerStore) { store = layers.store }

    /// Adds an event.
    ///
    /// One that cannot be written is left out: nothing fails for it.
    public func add(
        _ kind: ContainerEvent.Kind,
        _ action: String,
        _ subject: String,
        _ attributes: [String: String]
    ) {
        let event = ContainerEvent(
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

    private func rotate() {
        func isFull() -> Bool { (FileStatus.ifPresent(path)?.size ?? 0) >= EventLog.sizeLimit }
        guard isFull(), let lock = try? FileLock.acquire(store[.locks].appending("events"), .exclusive) else { return }
        defer { withExtendedLifetime(lock) {} }
        if isFull() { try? FileOperations.rename(path, to: ContainerLog.path(path, number: 1)) }
    }

    /// Reads the events from the oldest that is kept on.
    ///
    /// A function: the optimizer of Swift 6.3 fails at a property whose value cannot be copied.
    public func makeReader() -> EventReader { EventReader(LineReader(path, fileCount: EventLog.fileCount)) }
}

/// Reads events, and those that are added.
public struct EventReader: ~Copyable {
    private var lines: LineReader

    fileprivate init(_ lines: consuming LineReader) { self.lines = lines }

    /// The events that there are and were not read yet; what is not readable is left out.
    public mutating func next(_ body: (ContainerEvent) throws -> Void) rethrows {
        try lines.next { line in
            if let event = try? CanonicalJSON.decode(ContainerEvent.self, from: line) { try body(event) }
        }
    }
}

extension ContainerStore {
    /// Adds an event of a container that exists.
    public func note(_ action: String, _ id: ContainerID, _ attributes: [String: String] = [:]) {
        guard let record: ContainerRecord = try? read(id, "container.json") else { return }
        note(action, record, attributes)
    }

    func note(_ action: String, _ record: ContainerRecord, _ attributes: [String: String] = [:]) {
        let usual = record.labels.merging(["name": "\(record.name)", "image": record.image]) { $1 }
        EventLog(layers).add(.container, action, "\(record.id)", usual.merging(attributes) { $1 })
    }
}
