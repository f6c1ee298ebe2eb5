internal import CExtendedAttributes
internal import Glibc
internal import SystemPackage

/// An extended attribute of a file; the value is arbitrary bytes.
public struct ExtendedAttribute: Sendable, Hashable {
    /// The whole name, as in `user.note`.
    public let name: String
    /// The bytes as they are.
    public let value: [UInt8]

    /// An attribute that is not read from a file.
    public init(name: String, value: [UInt8]) {
        self.name = name
        self.value = value
    }

    /// The attributes of an open file that belong into an image, `user.*` and `security.capability`, sorted by name.
    ///
    /// Empty where the filesystem has none or they cannot be read. One that goes away meanwhile is left out.
    public static func portable(descriptor: Int32) -> [ExtendedAttribute] {
        guard let names = bytes({ flistxattr(descriptor, $0?.assumingMemoryBound(to: CChar.self), $1) }), !names.isEmpty
        else { return [] }
        var result: [ExtendedAttribute] = []
        for name in names.split(separator: 0) where isPortable(name) {
            let zeroTerminated = name.map { CChar(bitPattern: $0) } + [0]
            guard let value = bytes({ fgetxattr(descriptor, zeroTerminated, $0, $1) }) else { continue }
            result.append(ExtendedAttribute(name: String(decoding: name, as: UTF8.self), value: value))
        }
        return result.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// Sets an attribute of the file at `path`, following symbolic links; false where that is not possible.
    @discardableResult
    public static func set(_ path: String, _ name: String, _ value: [UInt8]) -> Bool {
        setxattr(path, name, value, value.count, 0) == 0
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
