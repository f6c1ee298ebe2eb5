/// What stores tell each other of builds.
extension BuildRecord {
    /// The record without what it says of this machine and of times.
    public var sharedText: [UInt8] {
        let name = dockerfile.split(separator: "/").last.map(String.init) ?? ""
        var record = BuildRecord(id: id, dockerfile: name, context: nil, platform: platform, stages: stages)
        record.target = target
        record.ending = ending
        record.removeTimes()
        return record.encoded()
    }

    /// Reads what another store said; `nil` for anything else.
    public init?(sharedText text: [UInt8]) { self.init(decoding: text, id: ID(nanoseconds: 0)) }
}
