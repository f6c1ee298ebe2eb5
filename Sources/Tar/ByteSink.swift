internal import FileSystem
public import SystemPackage

/// Where a stream of bytes goes.
public protocol ByteSink: AnyObject {
    /// Takes all the bytes; they are valid only during the call.
    func write(_ bytes: UnsafeRawBufferPointer) throws
}

/// Writes to an open file, which stays open.
public final class DescriptorSink: ByteSink {
    private let descriptor: Int32
    private let path: FilePath

    public init(descriptor: Int32, path: FilePath) {
        self.descriptor = descriptor
        self.path = path
    }

    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        try FileOperations.write(bytes, to: descriptor, path: path)
    }
}
