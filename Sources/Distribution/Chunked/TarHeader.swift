/// One block of a tar that is a header (POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar's manual, "Basic Tar Format").
struct TarHeader {
    private let block: [UInt8]
    private let isUSTAR: Bool

    /// `nil` for a block with another checksum, or of a form that has its fields elsewhere.
    init?(_ block: [UInt8]) {
        guard block.count == 512 else { return nil }
        self.block = block
        let magic = block[257..<265]
        isUSTAR = magic.elementsEqual("ustar\u{0}00".utf8)
        let isGNU = magic.elementsEqual("ustar  \u{0}".utf8)
        guard isUSTAR || isGNU, !block[508..<512].elementsEqual("tar\u{0}".utf8) else { return nil }
        // Old GNU tars have further times there.
        guard isUSTAR || block[345..<508].allSatisfy({ $0 == 0 }) else { return nil }
        let sum = block.enumerated().reduce(0) { $0 + Int((148..<156).contains($1.offset) ? 0x20 : $1.element) }
        guard number(148, 8) == Int64(sum) else { return nil }
    }

    var type: UInt8 { block[156] }
    var name: [UInt8] {
        let prefix = isUSTAR ? text(345, 155) : []
        return prefix.isEmpty ? text(0, 100) : prefix + [UInt8(ascii: "/")] + text(0, 100)
    }
    var linkTarget: [UInt8] { text(157, 100) }
    var userName: [UInt8] { text(265, 32) }
    var groupName: [UInt8] { text(297, 32) }
    var mode: Int64? { number(100, 8) }
    var userID: Int64? { number(108, 8) }
    var groupID: Int64? { number(116, 8) }
    var size: Int64? { number(124, 12) }
    var modified: Int64? { number(136, 12) }
    var deviceMajor: Int64? { number(329, 8) }
    var deviceMinor: Int64? { number(337, 8) }

    /// `nil` for what no table of contents knows.
    func kind(_ name: String) -> TarMember.Kind? {
        switch type {
        case UInt8(ascii: "0") where !name.hasSuffix("/"): .regular
        case 0: name.hasSuffix("/") ? .directory : .regular
        case UInt8(ascii: "1"): .hardLink
        case UInt8(ascii: "2"): .symbolicLink
        case UInt8(ascii: "3"): .characterDevice
        case UInt8(ascii: "4"): .blockDevice
        case UInt8(ascii: "5"): .directory
        case UInt8(ascii: "6"): .fifo
        default: nil
        }
    }

    private func text(_ offset: Int, _ count: Int) -> [UInt8] {
        Array(block[offset..<(offset + count)].prefix { $0 != 0 })
    }

    /// Octal digits, or where the first bit is set the number itself.
    private func number(_ offset: Int, _ count: Int) -> Int64? {
        let field = block[offset..<(offset + count)]
        if let first = field.first, first & 0x80 != 0 {
            guard first & 0x40 == 0, field.dropFirst().dropLast(8).allSatisfy({ $0 == 0 }) else { return nil }
            let digits = count > 8 ? field.suffix(8) : field.suffix(7)
            let value = digits.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return first & 0x3F == 0 ? Int64(exactly: value) : nil
        }
        let digits = field.drop { $0 == 0x20 || $0 == 0 }.prefix { $0 != 0x20 && $0 != 0 }
        return digits.isEmpty ? 0 : Int64(String(decoding: digits, as: UTF8.self), radix: 8)
    }
}
