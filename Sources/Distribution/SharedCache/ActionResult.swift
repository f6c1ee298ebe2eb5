internal import OCI

/// An entry as servers of Bazel's cache protocol keep it under `/ac/` (remote execution API 2, `ActionResult`).
///
/// They refuse or forget what is not such a message, and keep what it refers to as long as the message itself. Ours names the
/// blobs as output files, and holds the entry's manifest as the standard output.
enum ActionResult {
    private enum WireType {
        static let number: UInt64 = 0
        static let fixed64: UInt64 = 1
        static let bytes: UInt64 = 2
        static let fixed32: UInt64 = 5
    }

    private static let outputFiles: UInt64 = 2
    private static let standardOutput: UInt64 = 5

    static func encode(_ manifest: [UInt8], _ blobs: [Descriptor]) -> [UInt8] {
        let files = blobs.enumerated().flatMap { position, blob -> [UInt8] in
            let digest = field(1, Array(blob.digest.hex.utf8)) + number(2 << 3) + number(UInt64(blob.size))
            return field(outputFiles, field(1, Array("blob-\(position)".utf8)) + field(2, digest))
        }
        return files + field(standardOutput, manifest)
    }

    /// The manifest; `nil` for anything but such a message.
    static func manifest(_ bytes: [UInt8]) -> [UInt8]? {
        var (rest, found): (ArraySlice<UInt8>, [UInt8]?) = (bytes[...], nil)
        while !rest.isEmpty {
            guard let key = takeNumber(&rest) else { return nil }
            let length: Int
            switch key & 7 {
            case WireType.number:
                guard takeNumber(&rest) != nil else { return nil }
                length = 0
            case WireType.fixed64: length = 8
            case WireType.fixed32: length = 4
            case WireType.bytes:
                guard let count = takeNumber(&rest), count <= UInt64(rest.count) else { return nil }
                length = Int(count)
            default: return nil
            }
            guard length <= rest.count else { return nil }
            if key == standardOutput << 3 | WireType.bytes { found = Array(rest.prefix(length)) }
            rest = rest.dropFirst(length)
        }
        return found
    }

    private static func field(_ number: UInt64, _ content: [UInt8]) -> [UInt8] {
        self.number(number << 3 | WireType.bytes) + self.number(UInt64(content.count)) + content
    }

    /// Seven bits a byte, the lowest first.
    private static func number(_ value: UInt64) -> [UInt8] {
        var (rest, result): (UInt64, [UInt8]) = (value, [])
        while rest >= 0x80 {
            result.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return result + [UInt8(rest)]
    }

    private static func takeNumber(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        return nil
    }
}
