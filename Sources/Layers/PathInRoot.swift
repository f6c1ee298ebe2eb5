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
        var components: [[UInt8]] = []
        for component in text.split(separator: UInt8(ascii: "/")) {
            if component.elementsEqual([UInt8(ascii: ".")]) { continue }
            if component.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")]) {
                _ = components.popLast()
            } else {
                components.append(Array(component))
            }
        }
        bytes = Array(components.joined(separator: [UInt8(ascii: "/")]))
    }

    public init(_ text: String) { self.init(Array(text.utf8)) }

    /// Takes a relative path as an archive names it; `nil` when a `..` component would leave what it names.
    ///
    /// Leading `/` and `./` are dropped, as every tool does; `a/../b` is refused although it stays inside,
    /// because no honest archive holds it. So is a NUL byte.
    public init?(archiveMember name: [UInt8]) {
        var needsCleaning = name.first == UInt8(ascii: "/") || name.last == UInt8(ascii: "/")
        var componentStart = 0
        for position in 0...name.count where position == name.count || name[position] == UInt8(ascii: "/") {
            switch name[componentStart..<position] {
            case [], [UInt8(ascii: ".")]: needsCleaning = true
            case [UInt8(ascii: "."), UInt8(ascii: ".")]: return nil
            default: break
            }
            componentStart = position + 1
        }
        guard !name.contains(0) else { return nil }
        if needsCleaning { self.init(name) } else { self.init(cleaned: name) }
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
        other.isRoot
            || (bytes.starts(with: other.bytes)
                && (bytes.count == other.bytes.count || bytes[other.bytes.count] == UInt8(ascii: "/")))
    }

    /// Whether two paths have the same parent.
    func isSibling(of other: PathInRoot) -> Bool {
        let start = bytes.count - name.count
        return start == other.bytes.count - other.name.count && bytes[..<start] == other.bytes[..<start]
    }

    /// Compares two cleaned paths component by component, as if `/` sorted before every other byte.
    static func isOrderedBefore(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        let count = min(left.count, right.count)
        var position = 0
        while position < count {
            let (leftByte, rightByte) = (left[position], right[position])
            if leftByte != rightByte {
                if leftByte == UInt8(ascii: "/") { return true }
                if rightByte == UInt8(ascii: "/") { return false }
                return leftByte < rightByte
            }
            position += 1
        }
        return left.count < right.count
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
