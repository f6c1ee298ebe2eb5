/// A path inside a root filesystem: cleaned, relative to the root, never leaving it.
///
/// The bytes hold no leading or trailing slash and no empty, `.` or `..` component; the root itself is empty.
/// File names are bytes and need not be UTF-8. The order is by component, parents before children, so that a
/// directory's subtree is contiguous in a sorted list.
public struct PathInRoot: Sendable, Hashable {
    public let bytes: [UInt8]

    public static let root = PathInRoot(cleaned: [])

    private init(cleaned: [UInt8]) { bytes = cleaned }

    /// Cleans any path text lexically; `..` at the root stays at the root.
    public init(_ text: some Collection<UInt8>) {
        let text = Array(text)
        // Deep paths come in great numbers, and nearly all of them are clean.
        if case .clean = PathInRoot.form(of: text) {
            self.init(cleaned: text)
            return
        }
        var components: [[UInt8]] = []
        for component in text.split(separator: UInt8(ascii: "/")) {
            if component.elementsEqual([UInt8(ascii: ".")]) { continue }
            if component.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")]) {
                _ = components.popLast()
            } else {
                components.append(Array(component))
            }
        }
        self.init(cleaned: Array(components.joined(separator: [UInt8(ascii: "/")])))
    }

    public init(_ text: String) { self.init(Array(text.utf8)) }

    /// Takes a relative path as an archive names it; `nil` when a `..` component would leave what it names.
    ///
    /// Leading `/` and `./` are dropped, as every tool does, and `a/../b` is `b` whatever `a` is. A NUL byte is refused.
    public init?(archiveMember name: [UInt8]) {
        switch PathInRoot.form(of: name) {
        case .clean: self.init(cleaned: name)
        case .needsCleaning where !name.contains(0): self.init(name)
        case .hasParent where !name.contains(0) && PathInRoot.staysInside(name): self.init(name)
        case .needsCleaning, .hasParent: return nil
        }
    }

    /// Whether no `..` goes above where the path starts, read from left to right.
    private static func staysInside(_ text: [UInt8]) -> Bool {
        var depth = 0
        for component in text.split(separator: UInt8(ascii: "/")) {
            if component.elementsEqual([UInt8(ascii: ".")]) { continue }
            depth += component.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")]) ? -1 : 1
            if depth < 0 { return false }
        }
        return true
    }

    private enum Form { case clean, needsCleaning, hasParent }

    /// What a path text holds besides plain names; a NUL byte needs cleaning as well.
    private static func form(of text: [UInt8]) -> Form {
        var form = Form.clean
        var (length, dots) = (0, 0)
        func isParent() -> Bool { length == 2 && dots == 2 }
        func isNoName() -> Bool { length == dots && length < 2 }
        for byte in text {
            switch byte {
            case UInt8(ascii: "/"):
                if isParent() { return .hasParent }
                if isNoName() { form = .needsCleaning }
                (length, dots) = (0, 0)
                continue
            case UInt8(ascii: "."): dots += 1
            case 0: form = .needsCleaning
            default: break
            }
            length += 1
        }
        if isParent() { return .hasParent }
        return isNoName() ? .needsCleaning : form
    }

    public var isRoot: Bool { bytes.isEmpty }

    public var components: [ArraySlice<UInt8>] { bytes.split(separator: UInt8(ascii: "/")) }

    /// The last component; empty for the root.
    public var name: ArraySlice<UInt8> {
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return bytes[...] }
        return bytes[(slash + 1)...]
    }

    /// The directory that holds this path; the root's parent is the root.
    public var parent: PathInRoot {
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return .root }
        return PathInRoot(cleaned: Array(bytes[..<slash]))
    }

    /// The path with one more component, which must be a plain name.
    public func appending(_ name: some Collection<UInt8>) -> PathInRoot {
        PathInRoot(cleaned: bytes.isEmpty ? Array(name) : bytes + [UInt8(ascii: "/")] + name)
    }

    /// The path below this one that a relative path text names, cleaned; `..` never leaves this path's root.
    public func joining(_ text: some Collection<UInt8>) -> PathInRoot {
        PathInRoot(bytes + [UInt8(ascii: "/")] + text)
    }

    /// All directories from just below the root down to the parent.
    public var ancestors: [PathInRoot] {
        bytes.indices.filter { bytes[$0] == UInt8(ascii: "/") }.map { PathInRoot(cleaned: Array(bytes[..<$0])) }
    }

    /// Whether this path is `other` or lies below it.
    public func isWithin(_ other: PathInRoot) -> Bool {
        bytes.withUnsafeBytes { path in other.bytes.withUnsafeBytes { PathInRoot.isWithin(path, $0) } }
    }

    /// Whether two paths have the same parent.
    public func isSibling(of other: PathInRoot) -> Bool {
        let start = bytes.count - name.count
        return start == other.bytes.count - other.name.count && bytes[..<start] == other.bytes[..<start]
    }

    /// Compares two cleaned paths component by component, as if `/` sorted before every other byte.
    @inlinable
    public static func isOrderedBefore(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        let position = commonPrefix(left, right)
        guard position < min(left.count, right.count) else { return left.count < right.count }
        if left[position] == UInt8(ascii: "/") { return true }
        if right[position] == UInt8(ascii: "/") { return false }
        return left[position] < right[position]
    }

    /// How many bytes two byte strings have in common at their start.
    @inlinable
    public static func commonPrefix(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        let count = min(left.count, right.count)
        var position = 0
        while position + 8 <= count {
            let difference =
                left.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                ^ right.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            if difference != 0 { return position + UInt64(littleEndian: difference).trailingZeroBitCount / 8 }
            position += 8
        }
        while position < count, left[position] == right[position] { position += 1 }
        return position
    }

    /// Whether the first of two cleaned paths is the second one or lies below it.
    @inlinable
    public static func isWithin(_ path: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
        other.isEmpty
            || (path.count >= other.count && commonPrefix(path, other) == other.count
                && (path.count == other.count || path[other.count] == UInt8(ascii: "/")))
    }

    /// The deepest path that two cleaned paths are or lie below.
    @inlinable
    public static func commonParent(
        _ path: UnsafeRawBufferPointer,
        _ other: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer {
        if isWithin(path, other) { return other }
        if isWithin(other, path) { return path }
        let common = UnsafeRawBufferPointer(rebasing: path[..<commonPrefix(path, other)])
        return UnsafeRawBufferPointer(rebasing: common[..<(common.lastIndex(of: UInt8(ascii: "/")) ?? 0)])
    }
}

extension PathInRoot {
    // All bytes at once: paths are keys wherever layers are planned, and arrays compare and hash element by element.
    public static func == (left: PathInRoot, right: PathInRoot) -> Bool {
        left.bytes.withUnsafeBytes { left in
            right.bytes.withUnsafeBytes { left.count == $0.count && commonPrefix(left, $0) == left.count }
        }
    }

    public func hash(into hasher: inout Hasher) {
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}

extension PathInRoot: Comparable {
    public static func < (left: PathInRoot, right: PathInRoot) -> Bool {
        left.bytes.withUnsafeBytes { leftBytes in
            right.bytes.withUnsafeBytes { isOrderedBefore(leftBytes, $0) }
        }
    }
}

extension PathInRoot: CustomStringConvertible {
    /// The absolute form, such as `/etc/passwd`; invalid UTF-8 is repaired, so it is for people only.
    public var description: String { "/" + String(decoding: bytes, as: UTF8.self) }
}
