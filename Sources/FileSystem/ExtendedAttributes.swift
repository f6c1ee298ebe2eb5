internal import CExtendedAttributes
internal import Glibc
public import SystemPackage

/// The extended attributes of one file.
public enum ExtendedAttributes {
    /// All attributes of an open file, sorted by name; none where the filesystem has no such thing.
    ///
    /// - Throws: `SystemError`, naming `path`.
    public static func all(
        descriptor: Int32, path: FilePath
    ) throws(SystemError) -> [(name: [UInt8], value: [UInt8])] {
        try all(path, { flistxattr(descriptor, $0, $1) }, { fgetxattr(descriptor, $0, $1, $2) })
    }

    /// All attributes of what is at a path itself; a final symbolic link is not followed.
    ///
    /// - Throws: `SystemError`.
    public static func all(_ path: FilePath) throws(SystemError) -> [(name: [UInt8], value: [UInt8])] {
        try all(
            path, { list, size in path.withPlatformString { llistxattr($0, list, size) } },
            { name, value, size in path.withPlatformString { lgetxattr($0, name, value, size) } })
    }

    /// Sets an attribute of an open file.
    ///
    /// - Throws: `SystemError`, naming `path`.
    public static func set(_ name: [UInt8], to value: [UInt8], descriptor: Int32, path: FilePath) throws(SystemError) {
        let result = value.withUnsafeBytes { fsetxattr(descriptor, name.map { CChar(bitPattern: $0) } + [0], $0.baseAddress, $0.count, 0) }
        guard result == 0 else { throw SystemError("set an extended attribute of", path) }
    }

    // The kernel's bounds (xattr(7), XATTR_LIST_MAX and XATTR_SIZE_MAX), so that one call each is enough.
    private static let limit = 1 << 16

    private static func all(
        _ path: FilePath, _ list: (UnsafeMutablePointer<CChar>?, Int) -> Int,
        _ get: (UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int) -> Int
    ) throws(SystemError) -> [(name: [UInt8], value: [UInt8])] {
        let needed = list(nil, 0)
        if needed == 0 || (needed < 0 && Errno.current == .notSupported) { return [] }
        var names = [CChar](repeating: 0, count: limit)
        let length = list(&names, limit)
        guard length >= 0 else { throw SystemError("list the extended attributes of", path) }
        var result: [(name: [UInt8], value: [UInt8])] = []
        for name in names[..<length].split(separator: 0) {
            var value = [UInt8](repeating: 0, count: limit)
            let size = get(Array(name) + [0], &value, limit)
            // It may have gone since, or be one that only root may read.
            if size >= 0 { result.append((name.map { UInt8(bitPattern: $0) }, Array(value[..<size]))) }
        }
        return result.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    }
}
