internal import Glibc
public import SystemPackage

/// A descriptor that several owners share.
public final class OpenFile: Sendable {
    private let file: OwnedDescriptor

    public var descriptor: Int32 { file.rawValue }

    public init(_ file: consuming OwnedDescriptor) { self.file = file }

    /// Opens a file for reading.
    public convenience init(_ path: FilePath) throws(SystemError) {
        self.init(try OwnedDescriptor(path, O_RDONLY))
    }
}
