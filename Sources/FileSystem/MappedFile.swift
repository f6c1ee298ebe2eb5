internal import Glibc
public import SystemPackage

/// A whole file mapped read-only into memory; pages are read when they are first touched.
///
/// Only for files that are never changed in place: everything in the store is replaced by rename.
public final class MappedFile: @unchecked Sendable {
    // SAFETY: the mapping is read-only and lives exactly as long as this object.
    public let bytes: UnsafeRawBufferPointer

    /// - Throws: `SystemError`; an empty file maps to an empty buffer.
    public init(_ path: FilePath) throws(SystemError) {
        let file = try OwnedDescriptor(regularFile: path)
        let size = Int(try FileStatus.of(descriptor: file.rawValue, path: path).size)
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, file.rawValue, 0), address != MAP_FAILED else {
            throw SystemError("map", path)
        }
        bytes = UnsafeRawBufferPointer(start: address, count: size)
    }

    deinit {
        if let address = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
    }
}
