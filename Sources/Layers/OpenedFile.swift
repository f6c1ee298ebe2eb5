public import FileSystem
internal import Glibc
public import SystemPackage

/// A file of an ordinary user that had to be made readable, until it has its mode again.
///
/// A process may leave files to which root has access anyway (`/etc/shadow`, `sudo`).
public struct OpenedFile {
    private let name: [CChar]
    private let path: FilePath
    private let permissions: UInt16

    /// Makes a file readable, and a directory searchable, whose mode forbids it; `nil` where nothing has to be done.
    ///
    /// - Parameters:
    ///   - name: With a zero byte after its end.
    ///   - path: For messages.
    /// - Throws: `SystemError`.
    public init?(
        _ name: [CChar],
        in directory: Int32,
        _ status: FileStatus,
        user: UInt32,
        path: @autoclosure () -> FilePath
    ) throws(SystemError) {
        let needed: UInt16 = status.kind == .directory ? 0o500 : 0o400
        guard user != 0, status.userID == user, status.permissions & needed != needed else { return nil }
        (self.name, self.path, permissions) = (name, path(), status.permissions)
        try setMode(permissions | needed, in: directory)
    }

    /// Gives it its mode again.
    ///
    /// - Parameter directory: The one that holds it.
    /// - Throws: `SystemError`.
    public func restore(in directory: Int32) throws(SystemError) { try setMode(permissions, in: directory) }

    private func setMode(_ permissions: UInt16, in directory: Int32) throws(SystemError) {
        guard fchmodat(directory, name, mode_t(permissions), 0) == 0 else { throw SystemError("set the mode of", path) }
    }
}
