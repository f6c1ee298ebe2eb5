internal import OCI

/// Which part of a container's output is wanted.
public struct LogSelection: Sendable {
    /// Nanoseconds since 1970, inclusive as Docker has it; `nil` for no limit.
    public var since: Int64?
    public var until: Int64?
    /// How many entries at the end of what is there already; `nil` for all.
    public var tail: Int?

    public init() {}

    /// Reads the entries that there are and were not read yet, as far as they are wanted, oldest first.
    ///
    /// - Parameter isFirst: Whether they are what is there already.
    public func next(of reader: inout LogReader, isFirst: Bool, _ body: (LogEntry) -> Void) {
        guard isFirst, let tail else { return reader.next { if includes($0) { body($0) } } }
        var entries: [LogEntry] = []
        reader.next { entry in
            guard includes(entry) else { return }
            entries.append(entry)
            // A long log is not held to show its end.
            if entries.count / 2 - 500 > tail { entries = entries.suffix(tail) }
        }
        entries.suffix(tail).forEach(body)
    }

    func includes(_ entry: LogEntry) -> Bool {
        guard since != nil || until != nil, let time = entry.time.nanosecondsSinceEpoch else { return true }
        return time >= since ?? .min && time <= until ?? .max
    }
}
