public import ContentStore
internal import OCI

extension EventLog {
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
    public mutating func next(_ body: (StoreEvent) throws -> Void) rethrows {
        try lines.next { line in
            if let event = try? CanonicalJSON.decode(StoreEvent.self, from: line) { try body(event) }
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
        EventLog(store).add(.container, action, "\(record.id)", usual.merging(attributes) { $1 })
    }
}
