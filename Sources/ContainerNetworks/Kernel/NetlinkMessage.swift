/// A netlink message (netlink(7)): a header of the protocol's own, and attributes, each padded to four bytes.
struct NetlinkMessage {
    /// `NLM_F_…` beside `NLM_F_REQUEST`.
    struct Flags: OptionSet {
        let rawValue: UInt16
        static let replace = Flags(rawValue: 0x100)
        static let exclusive = Flags(rawValue: 0x200)
        static let create = Flags(rawValue: 0x400)
        static let append = Flags(rawValue: 0x800)
    }

    let type: UInt16
    let flags: Flags
    private var body: [UInt8]

    init(_ type: UInt16, _ flags: Flags = [], header: [UInt8]) {
        self.type = type
        self.flags = flags
        body = header
    }

    mutating func add(_ attribute: UInt16, _ value: [UInt8]) {
        body += Self.bytes(UInt16(4 + value.count)) + Self.bytes(attribute) + value
        body += [UInt8](repeating: 0, count: -value.count & 3)
    }

    mutating func add(_ attribute: UInt16, _ number: UInt32) { add(attribute, Self.bytes(number)) }

    mutating func add(_ attribute: UInt16, _ text: String) { add(attribute, Array(text.utf8) + [0]) }

    /// Adds an attribute that consists of attributes, after a header if there is one.
    mutating func nest(_ attribute: UInt16, header: [UInt8] = [], _ build: (inout NetlinkMessage) -> Void) {
        let start = body.count
        // With NLA_F_NESTED.
        body += [0, 0] + Self.bytes(attribute | 0x8000) + header
        build(&self)
        body.replaceSubrange(start..<start + 2, with: Self.bytes(UInt16(body.count - start)))
    }

    /// The whole message; `isLast` asks for an acknowledgement.
    func encoded(sequence: UInt32, isLast: Bool) -> [UInt8] {
        Self.bytes(UInt32(16 + body.count)) + Self.bytes(type) + Self.bytes(flags.rawValue | 1 | (isLast ? 4 : 0))
            + Self.bytes(sequence) + Self.bytes(UInt32(0)) + body
    }

    /// In the machine's byte order.
    static func bytes(_ number: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: number) { Array($0) } }
}
