/// The members of a JSON object as they are written, to decode only those that are asked for.
///
/// What is not asked for is looked over, and not checked. A member is found by a name that is written without escapes.
public struct JSONMembers: Sendable {
    private let bytes: [UInt8]
    private let members: [(name: Range<Int>, value: Range<Int>)]

    /// - Throws: `DecodingError` for what is not an object.
    public init(_ bytes: [UInt8]) throws(DecodingError) {
        self.bytes = bytes
        var (members, scanner) = ([(name: Range<Int>, value: Range<Int>)](), JSONScanner(bytes))
        try scanner.each(of: "{", "}") { scanner throws(DecodingError) in
            let name = try scanner.value()
            try scanner.take(":")
            members.append((name.dropFirst().dropLast(), try scanner.value()))
        }
        self.members = members
    }

    private func range(_ name: String) throws(DecodingError) -> Range<Int> {
        let found = members.first { bytes[$0.name].elementsEqual(name.utf8) }
        guard let found else { throw JSONScanner.corrupted("there is no `\(name)`") }
        return found.value
    }

    /// Whether there is a member of this name that is not `null`.
    public func has(_ name: String) -> Bool {
        (try? range(name)).map { !bytes[$0].elementsEqual("null".utf8) } ?? false
    }

    /// Decodes a member of any type.
    ///
    /// - Throws: `DecodingError`.
    public func value<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
        try CanonicalJSON.decode(type, from: Array(bytes[try range(name)]))
    }

    /// - Throws: `DecodingError`.
    public func text(_ name: String) throws -> String { try text(range(name)) }

    private func text(_ range: Range<Int>) throws -> String {
        let text = bytes[range]
        guard text.count >= 2, text.first == UInt8(ascii: "\""), !text.contains(UInt8(ascii: "\\")) else {
            return try CanonicalJSON.decode(String.self, from: Array(text))
        }
        return String(decoding: text.dropFirst().dropLast(), as: UTF8.self)
    }

    /// - Throws: `DecodingError`.
    public func integer(_ name: String) throws -> Int64 {
        guard let number = Int64(String(decoding: bytes[try range(name)], as: UTF8.self)) else {
            throw JSONScanner.corrupted("`\(name)` is not an integer")
        }
        return number
    }

    /// The texts of a list.
    ///
    /// - Throws: `DecodingError`.
    public func texts(_ name: String) throws -> [String] { try elements(name).map(text) }

    /// The object that a member is.
    ///
    /// - Throws: `DecodingError`.
    public func object(_ name: String) throws -> JSONMembers { try JSONMembers(Array(bytes[try range(name)])) }

    /// The objects of a list.
    ///
    /// - Throws: `DecodingError`.
    public func objects(_ name: String) throws -> [JSONMembers] {
        try elements(name).map { try JSONMembers(Array(bytes[$0])) }
    }

    /// Whether a member is neither an empty list nor an empty object.
    public func isFilled(_ name: String) -> Bool { (try? range(name)).map { $0.count > 2 } ?? false }

    private func elements(_ name: String) throws(DecodingError) -> [Range<Int>] {
        let range = try range(name)
        var (elements, scanner) = ([Range<Int>](), JSONScanner(bytes, at: range.lowerBound))
        try scanner.each(of: "[", "]") { scanner throws(DecodingError) in elements.append(try scanner.value()) }
        return elements
    }
}

/// Finds where values begin and end.
private struct JSONScanner {
    private let bytes: [UInt8]
    private var position: Int

    init(_ bytes: [UInt8], at position: Int = 0) { (self.bytes, self.position) = (bytes, position) }

    static func corrupted(_ reason: String) -> DecodingError {
        .dataCorrupted(.init(codingPath: [], debugDescription: reason))
    }

    /// The next byte that is not a blank.
    private mutating func peek() throws(DecodingError) -> UInt8 {
        while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) { position += 1 }
        guard position < bytes.count else { throw JSONScanner.corrupted("it ends too early") }
        return bytes[position]
    }

    mutating func take(_ mark: Unicode.Scalar) throws(DecodingError) {
        guard try peek() == UInt8(ascii: mark) else { throw JSONScanner.corrupted("expected `\(mark)`") }
        position += 1
    }

    /// Calls `body` at the beginning of each element of a list or object.
    mutating func each(
        of opening: Unicode.Scalar,
        _ closing: Unicode.Scalar,
        _ body: (inout JSONScanner) throws(DecodingError) -> Void
    ) throws(DecodingError) {
        try take(opening)
        if try peek() == UInt8(ascii: closing) { return try take(closing) }
        while true {
            try body(&self)
            guard try peek() != UInt8(ascii: closing) else { return try take(closing) }
            try take(",")
        }
    }

    /// Passes over a value.
    ///
    /// - Returns: Where it is.
    mutating func value() throws(DecodingError) -> Range<Int> {
        _ = try peek()
        let start = position
        var depth = 0
        repeat {
            switch try peek() {
            case UInt8(ascii: "\""): try passString()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                position += 1
            case UInt8(ascii: ","), UInt8(ascii: ":"): position += 1
            default: passWord()
            }
        } while depth > 0
        guard depth == 0, position > start else { throw JSONScanner.corrupted("expected a value") }
        return start..<position
    }

    private mutating func passString() throws(DecodingError) {
        position += 1
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return
            case UInt8(ascii: "\\"): position += 2
            default: position += 1
            }
        }
        throw JSONScanner.corrupted("a text has no end")
    }

    /// A number, `true`, `false` or `null`.
    private mutating func passWord() {
        while position < bytes.count, !JSONScanner.ends(bytes[position]) { position += 1 }
    }

    private static func ends(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: "\""),
            UInt8(ascii: "{"), UInt8(ascii: "["), 0x20, 0x0A, 0x0D, 0x09:
            true
        default: false
        }
    }
}
