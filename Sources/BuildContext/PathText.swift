/// Lexical operations on paths as bytes.
enum PathText {
    static let slash = UInt8(ascii: "/")
    static let dot = UInt8(ascii: ".")

    /// Go's `filepath.Clean`: the shortest equal path by text alone, `.` for an empty one.
    static func cleaned(_ path: some Collection<UInt8>) -> [UInt8] {
        let isRooted = path.first == slash
        var components: [SubSequence] = []
        for component in Array(path).split(separator: slash) where !isDot(component) {
            if !isDotDot(component) {
                components.append(component)
            } else if let last = components.last, !isDotDot(last) {
                components.removeLast()
            } else if !isRooted {
                components.append(component)
            }
        }
        let joined = Array(components.joined(separator: [slash]))
        if isRooted { return [slash] + joined }
        return joined.isEmpty ? [dot] : joined
    }

    typealias SubSequence = ArraySlice<UInt8>

    /// The components of a path from the root of a context, which `..` never leaves.
    static func clampedComponents(_ path: [UInt8]) -> [[UInt8]] {
        var components: [[UInt8]] = []
        for component in path.split(separator: slash) where !isDot(component) {
            if isDotDot(component) { _ = components.popLast() } else { components.append(Array(component)) }
        }
        return components
    }

    static func joined(_ components: some Sequence<[UInt8]>) -> [UInt8] {
        Array(components.joined(separator: [slash]))
    }

    /// `directory` and `name` with a slash between them if both are not empty.
    static func appending(_ name: some Collection<UInt8>, to directory: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(directory.count + 1 + name.count)
        result.append(contentsOf: directory)
        if !directory.isEmpty, !name.isEmpty { result.append(slash) }
        result.append(contentsOf: name)
        return result
    }

    /// Without the blanks at both ends.
    static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text = text
        while let first = text.first, isBlank(first) { text.removeFirst() }
        while let last = text.last, isBlank(last) { text.removeLast() }
        return text
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || (9...13).contains(byte)
    }

    static func isDot(_ component: ArraySlice<UInt8>) -> Bool {
        component.count == 1 && component.first == dot
    }

    static func isDotDot(_ component: ArraySlice<UInt8>) -> Bool {
        component.count == 2 && component.first == dot && component.last == dot
    }

    /// The Unicode scalar at a position and its length in bytes.
    ///
    /// A byte that is not part of valid UTF-8 counts as a character of its own beyond Unicode, so that it equals
    /// only itself.
    static func scalar(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> (value: UInt32, length: Int) {
        let first = bytes[position]
        if first < 0x80 { return (UInt32(first), 1) }
        let length: Int
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF: length = 3
        case 0xF0...0xF4: length = 4
        default: return (0x11_0000 + UInt32(first), 1)
        }
        guard position + length <= bytes.count else { return (0x11_0000 + UInt32(first), 1) }
        var value = UInt32(first) & (0xFF >> UInt32(length + 1))
        for offset in 1..<length {
            let next = bytes[position + offset]
            guard next & 0xC0 == 0x80 else { return (0x11_0000 + UInt32(first), 1) }
            value = value << 6 | UInt32(next & 0x3F)
        }
        let isShortest = length == 2 || (length == 3 ? value >= 0x800 : value >= 0x1_0000)
        guard isShortest, !(0xD800...0xDFFF).contains(value), value <= 0x10_FFFF else {
            return (0x11_0000 + UInt32(first), 1)
        }
        return (value, length)
    }
}

extension PathText {
    /// The order of listings: by component, as if the slash came before every other byte.
    static func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        for (one, other) in zip(left, right) where one != other {
            if one == slash { return true }
            if other == slash { return false }
            return one < other
        }
        return left.count < right.count
    }
}
