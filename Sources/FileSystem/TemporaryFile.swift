internal import Glibc
public import SystemPackage

/// A file that is written aside and becomes visible under its name in one step, or never.
///
/// It is locked while this process has it open, so that a clean-up can tell it from debris;
/// dropping the value removes the file.
public final class TemporaryFile: Sendable {
    public let path: FilePath
    private let file: OwnedDescriptor
    /// Open for reading and writing until the value goes away.
    public var descriptor: Int32 { file.rawValue }

    public init(in directory: FilePath, permissions: UInt32 = 0o644) throws(SystemError) {
        path = directory.appending("\(getpid())-\(String(UInt64.random(in: .min ... .max), radix: 36))")
        file = try OwnedDescriptor(path, O_RDWR | O_CREAT | O_EXCL, permissions)
        flock(descriptor, LOCK_EX | LOCK_NB)
    }

    deinit {
        path.withPlatformString { _ = unlink($0) }
    }

    /// Appends bytes.
    public func write(_ bytes: some Collection<UInt8>) throws(SystemError) {
        let result: Result<Void, SystemError>? = bytes.withContiguousStorageIfAvailable { buffer in
            Result { () throws(SystemError) in
                try FileOperations.write(UnsafeRawBufferPointer(buffer), to: descriptor, path: path)
            }
        }
        switch result {
        case .some(let written): try written.get()
        case .none: try write(Array(bytes))
        }
    }

    /// Gives the file its final name, replacing what had it.
    public func replace(_ target: FilePath) throws(SystemError) {
        try FileOperations.rename(path, to: target)
    }

    /// Gives the file its final name unless something has that name already; the content is then the other's.
    ///
    /// - Returns: Whether this file got the name.
    @discardableResult
    public func publish(as target: FilePath) throws(SystemError) -> Bool {
        let result = path.withPlatformString { from in target.withPlatformString { link(from, $0) } }
        if result == 0 { return true }
        if Errno.current == .fileExists { return false }
        // Filesystems without hard links; contents are equal under equal names, so replacing is as good.
        try replace(target)
        return true
    }
}
