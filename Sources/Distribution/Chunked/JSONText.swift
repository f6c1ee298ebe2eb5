internal import RemoteAddresses

/// JSON that is written at once: a table of contents has a hundred thousand objects.
struct JSONText {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    mutating func raw(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Begins an object of a list or a member.
    mutating func open() {
        separate()
        raw("{")
        needsComma = false
    }

    mutating func close() {
        raw("}")
        needsComma = true
    }

    mutating func beginList(_ name: StaticString) {
        key(name)
        raw("[")
        needsComma = false
    }

    mutating func endList() {
        raw("]")
        needsComma = true
    }

    private mutating func separate() { if needsComma { raw(",") } }

    mutating func key(_ name: StaticString) {
        separate()
        raw("\"")
        raw(name)
        raw("\":")
        needsComma = true
    }

    mutating func null(_ name: StaticString) {
        key(name)
        raw("null")
    }

    /// Ends a document of which each line is one.
    mutating func endLine() {
        raw("\n")
        needsComma = false
    }

    mutating func integer(_ name: StaticString, _ value: Int64) {
        key(name)
        bytes.append(contentsOf: String(value).utf8)
    }

    /// A number that readers take for zero where it is missing.
    mutating func nonzero(_ name: StaticString, _ value: Int64) { if value != 0 { integer(name, value) } }

    mutating func text(_ name: StaticString, _ value: String) {
        key(name)
        string(value)
    }

    mutating func nonempty(_ name: StaticString, _ value: String) { if !value.isEmpty { text(name, value) } }

    /// Bytes in base 64 (RFC 4648, section 4).
    mutating func data(_ name: StaticString, _ value: some Collection<UInt8>) {
        key(name)
        base64(value)
    }

    /// Bytes by their names, sorted.
    mutating func data(_ name: StaticString, _ values: [String: [UInt8]]) {
        guard !values.isEmpty else { return }
        key(name)
        raw("{")
        for (position, value) in values.sorted(by: { $0.key < $1.key }).enumerated() {
            if position > 0 { raw(",") }
            string(value.key)
            raw(":")
            base64(value.value)
        }
        raw("}")
    }

    private mutating func string(_ text: String) {
        raw("\"")
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                raw("\\u00")
                bytes += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        raw("\"")
    }

    private mutating func base64(_ value: some Collection<UInt8>) {
        raw("\"")
        Base64.append(value, to: &bytes)
        raw("\"")
    }
}
