/// A query about one name (RFC 1035, section 4), as far as a server of a few names has to understand it.
struct NameQuery {
    enum RecordType {
        static let address: UInt16 = 1
        static let pointer: UInt16 = 12
        static let address6: UInt16 = 28
    }
    enum ResponseCode: UInt8 {
        case success = 0
        case formatError = 1
        case serverFailure = 2
        case noSuchName = 3
    }

    /// In lower case, labels separated by dots, without one at the end.
    let name: String
    let type: UInt16
    private let message: ArraySlice<UInt8>

    /// Docker's, in seconds.
    private static let lifetime: UInt32 = 600
    static let headerSize = 12

    /// Whether the bytes can be a query at all, so that an answer to them cannot start a quarrel of two servers.
    static func isQuery(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.count >= headerSize && bytes[bytes.startIndex + 2] & 0x80 == 0
    }

    /// - Returns: `nil` for anything but a standard query with one question of the class IN.
    init?(_ bytes: ArraySlice<UInt8>) {
        guard NameQuery.isQuery(bytes) else { return nil }
        let start = bytes.startIndex
        // The operation code 0, one question.
        guard bytes[start + 2] & 0x78 == 0, bytes[start + 4] == 0, bytes[start + 5] == 1 else { return nil }
        var labels: [String] = []
        var position = start + NameQuery.headerSize
        while true {
            // No question needs compression: there is nothing before it that it could point to.
            guard position < bytes.endIndex, bytes[position] < 64 else { return nil }
            let length = Int(bytes[position])
            position += 1
            if length == 0 { break }
            guard position + length <= bytes.endIndex, position + length - start - NameQuery.headerSize <= 255 else {
                return nil
            }
            labels.append(String(decoding: bytes[position..<position + length], as: UTF8.self))
            position += length
        }
        guard position + 4 <= bytes.endIndex, bytes[position + 2] == 0, bytes[position + 3] == 1 else { return nil }
        name = labels.joined(separator: ".").lowercased()
        type = UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
        message = bytes[..<(position + 4)]
    }

    /// The address whose name is asked for (RFC 1035, section 3.5).
    var reverseAddress: IPv4Address? {
        let suffix = ".in-addr.arpa"
        guard type == RecordType.pointer, name.hasSuffix(suffix) else { return nil }
        return IPv4Address(name.dropLast(suffix.count).split(separator: ".").reversed().joined(separator: "."))
    }

    /// An answer with records of the type that was asked for, cut where it would be longer than `limit`.
    func answer(_ records: [[UInt8]], limit: Int) -> [UInt8] {
        var answer = NameQuery.header(of: message, .success)
        answer[5] = 1
        answer += message.dropFirst(NameQuery.headerSize)
        var count: UInt16 = 0
        for data in records {
            guard answer.count + 12 + data.count <= limit else {
                // TC: the rest is available over TCP.
                answer[2] |= 2
                break
            }
            // The name is that of the question, at offset 12; class IN.
            answer += [0xC0, 12, UInt8(type >> 8), UInt8(type & 0xFF), 0, 1]
            answer += (0..<4).map { UInt8(truncatingIfNeeded: NameQuery.lifetime >> (24 - 8 * $0)) }
            answer += [UInt8(data.count >> 8), UInt8(data.count & 0xFF)] + data
            count += 1
        }
        (answer[6], answer[7]) = (UInt8(count >> 8), UInt8(count & 0xFF))
        return answer
    }

    /// An answer without anything but a code, to any query.
    static func refusal(of bytes: ArraySlice<UInt8>, _ code: ResponseCode) -> [UInt8] { header(of: bytes, code) }

    /// The same identifier and RD; QR and RA; no records.
    private static func header(of bytes: ArraySlice<UInt8>, _ code: ResponseCode) -> [UInt8] {
        let start = bytes.startIndex
        return [bytes[start], bytes[start + 1], bytes[start + 2] & 0x79 | 0x80, 0x80 | code.rawValue]
            + [UInt8](repeating: 0, count: 8)
    }

    /// A name as a record has it; `nil` for one that no record can have.
    static func encode(_ name: String) -> [UInt8]? {
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard name.utf8.count <= 253, labels.allSatisfy({ (1...63).contains($0.count) }) else { return nil }
        return labels.flatMap { [UInt8($0.count)] + $0 } + [0]
    }
}
