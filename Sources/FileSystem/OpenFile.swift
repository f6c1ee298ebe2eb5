internal import Glibc
public import SystemPackage

/// A file that is open for reading as long as this value lives.
public final class OpenFile: Sendable {
    public let descriptor: Int32

    public init(_ path: FilePath) throws(SystemError) {
        descriptor = try FileOperations.open(path, O_RDONLY)
    }

    deinit { close(descriptor) }
}
