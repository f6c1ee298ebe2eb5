internal import CLinux
internal import Glibc
internal import SystemPackage

/// An extended attribute of a file; the value is arbitrary bytes.
public struct ExtendedAttribute: Sendable, Hashable, Comparable {
    /// The whole name, as in `user.note`.
    public let name: String
    /// The bytes as they are.
    public let value: [UInt8]

    /// An attribute that is not read from a file.
    public init(name: String, value: [UInt8]) {
        self.name = name
        self.value = value
    }

    public static func < (left: ExtendedAttribute, right: ExtendedAttribute) -> Bool {
        left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
    }

    /// All attributes of `name` in an open directory, a final symbolic link not followed, sorted by name.
    ///
    /// It goes by way of `/proc`, since there is no such call relative to a descriptor and a path may be too long.
    public static func all(of name: [CChar], in directory: Int32) -> [ExtendedAttribute] {
        let path = "/proc/self/fd/\(directory)/".utf8.map { CChar(bitPattern: $0) } + name
        return read(
            list: { llistxattr(path, $0, $1) },
            value: { lgetxattr(path, $0, $1, $2) },
            where: { _ in true }
        )
    }

    /// Sets the attribute on an open file.
    ///
    /// - Returns: Whether it could be set; `errno` tells why not.
    public func set(on descriptor: Int32) -> Bool {
        value.withUnsafeBytes { fsetxattr(descriptor, name, $0.baseAddress, $0.count, 0) } == 0
    }

    /// The attributes of an open file that belong into an image, `user.*` and `security.capability`, sorted by name.
    ///
    /// Empty where the filesystem has none or they cannot be read. One that goes away meanwhile is left out.
    public static func portable(descriptor: Int32) -> [ExtendedAttribute] {
        read(
            list: { flistxattr(descriptor, $0, $1) },
            value: { fgetxattr(descriptor, $0, $1, $2) },
            where: isPortable
        )
    }

    private static func read(
        list: (UnsafeMutablePointer<CChar>?, Int) -> Int,
        value: (UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int) -> Int,
        where isWanted: (ArraySlice<UInt8>) -> Bool
    ) -> [ExtendedAttribute] {
        guard let names = bytes({ list($0?.assumingMemoryBound(to: CChar.self), $1) }), !names.isEmpty else {
            return []
        }
        var result: [ExtendedAttribute] = []
        for name in names.split(separator: 0) where isWanted(name) {
            let zeroTerminated = name.map { CChar(bitPattern: $0) } + [0]
            guard let value = bytes({ value(zeroTerminated, $0, $1) }) else { continue }
            result.append(ExtendedAttribute(name: String(decoding: name, as: UTF8.self), value: value))
        }
        return result.sorted()
    }

    private static func isPortable(_ name: ArraySlice<UInt8>) -> Bool {
        name.starts(with: "user.".utf8) || name.elementsEqual("security.capability".utf8)
    }

    /// What a call of the two-step kind gives: asked for the size first, then for the bytes.
    private static func bytes(_ call: (UnsafeMutableRawPointer?, Int) -> Int) -> [UInt8]? {
        // Nearly every file has none, so that one call with no buffer settles it.
        for _ in 0..<4 {
            let size = call(nil, 0)
            guard size > 0 else { return size == 0 ? [] : nil }
            var buffer = [UInt8](repeating: 0, count: size)
            let count = buffer.withUnsafeMutableBytes { call($0.baseAddress, $0.count) }
            if count >= 0 { return Array(buffer.prefix(count)) }
            // It grew between the two calls.
            guard Errno.current == .outOfRange else { return nil }
        }
        return nil
    }
}
