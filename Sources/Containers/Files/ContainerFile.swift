public import ContainerRuntime
internal import FileSystem
internal import Glibc
public import SystemPackage

/// A file that a container has beside those of its image and its volumes, such as a secret; its processes cannot change
/// it, and it is no part of what `commit` and `export` take.
public struct ContainerFile: Sendable {
    /// An absolute path.
    public let target: String
    public let bytes: [UInt8]
    /// Permission bits.
    public let mode: UInt32
    public let userID: UInt32
    public let groupID: UInt32

    public init(target: String, bytes: [UInt8], mode: UInt32, userID: UInt32, groupID: UInt32) {
        self.target = target
        self.bytes = bytes
        self.mode = mode
        self.userID = userID
        self.groupID = groupID
    }
}

extension [ContainerFile] {
    private static var directory: String { "files" }

    /// The mounts of the files in a container.
    ///
    /// - Parameter container: The container's directory.
    public func mounts(in container: FilePath) -> [ProcessSpecification.Mount] {
        enumerated().map { number, file in
            let path = container.appending(Self.directory).appending("\(number)")
            return .init(.bind(path: path.string), target: file.target, isReadOnly: true)
        }
    }

    /// - Parameter container: The container's directory.
    /// - Throws: `SystemError`.
    func write(to container: FilePath) throws {
        guard !isEmpty else { return }
        let directory = container.appending(Self.directory)
        try FileOperations.createDirectories(directory)
        for (number, file) in enumerated() {
            let path = directory.appending("\(number)")
            let descriptor = try OwnedDescriptor(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
            try file.bytes.withUnsafeBytes {
                try FileOperations.write($0, to: descriptor.rawValue, path: path)
            }
            let isOwn = file.userID == geteuid() && file.groupID == getegid()
            guard isOwn || fchown(descriptor.rawValue, file.userID, file.groupID) == 0 else {
                throw SystemError("change the owner of", path)
            }
            guard fchmod(descriptor.rawValue, mode_t(file.mode)) == 0 else {
                throw SystemError("set the mode of", path)
            }
        }
    }
}
