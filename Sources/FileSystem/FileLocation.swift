internal import CLinux
internal import Glibc
public import SystemPackage

/// Where a path leads: a name in an open directory, in which it is looked up without following a link.
///
/// The path is one of this machine, or of a directory that is the root for its links.
public struct FileLocation: Sendable {
    /// The directory that holds it, which may not be readable; or itself, where there is no name.
    public let directory: OpenFile
    /// `nil` for the root and for a path that ends with `.` or `..`.
    public let name: [UInt8]?
    /// What is there; `nil` for nothing.
    public let status: FileStatus?
    /// The path that was asked for, for messages.
    public let path: FilePath

    public var isDirectory: Bool { status?.kind == .directory }

    /// Looks a path up.
    ///
    /// - Parameters:
    ///   - root: A descriptor of the directory that `/` is; `nil` for this machine's.
    ///   - followingLast: Whether a symbolic link as the last component is followed, also one that leads nowhere.
    /// - Throws: `SystemError` where what holds it is not an existing directory.
    public init(_ text: String, inRoot root: Int32? = nil, followingLast: Bool) throws(SystemError) {
        path = FilePath(text)
        var path = Array(text.utf8)
        for _ in 0..<40 {
            let (parent, name) = FileLocation.split(path)
            guard let name else {
                let opened = OpenFile(try FileLocation.open(parent, inRoot: root))
                status = try FileStatus.of(descriptor: opened.descriptor, path: self.path)
                (directory, self.name) = (opened, nil)
                return
            }
            let opened = OpenFile(try FileLocation.open(parent, inRoot: root))
            let zeroTerminated = name.map { CChar(bitPattern: $0) } + [0]
            let status = FileStatus.of(zeroTerminated, in: opened.descriptor)
            guard followingLast, status?.kind == .symbolicLink else {
                (directory, self.name, self.status) = (opened, name, status)
                return
            }
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
            let count = readlinkat(opened.descriptor, zeroTerminated, &buffer, buffer.count)
            guard count >= 0 else { throw SystemError("read the link", self.path) }
            let target = buffer[..<count].map { UInt8(bitPattern: $0) }
            path = target.first == UInt8(ascii: "/") ? target : parent + [UInt8(ascii: "/")] + target
        }
        throw SystemError("open", self.path, errno: .tooManySymbolicLinkLevels)
    }

    /// Opens it for reading, where it is a directory.
    public func openDirectory() throws(SystemError) -> OpenFile {
        let name = (name ?? [UInt8(ascii: ".")]).map { CChar(bitPattern: $0) } + [0]
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        guard let opened = OwnedDescriptor(openat(directory.descriptor, name, flags)) else {
            throw SystemError("open", path)
        }
        return OpenFile(opened)
    }

    /// - Returns: No name for what is a directory whatever its parent is.
    private static func split(_ path: [UInt8]) -> (parent: [UInt8], name: [UInt8]?) {
        let slash = UInt8(ascii: "/")
        var path = path
        while path.count > 1, path.last == slash { path.removeLast() }
        let start = (path.lastIndex(of: slash) ?? -1) + 1
        let name = Array(path[start...])
        if name.isEmpty || name == Array(".".utf8) || name == Array("..".utf8) { return (path, nil) }
        return (start == 0 ? Array(".".utf8) : Array(path[..<start]), name)
    }

    private static func open(_ path: [UInt8], inRoot root: Int32?) throws(SystemError) -> OwnedDescriptor {
        let text = path.map { CChar(bitPattern: $0) } + [0]
        // O_PATH, which Glibc does not have for Swift: also a directory that may not be read.
        let flags = 0o10_000_000 | O_DIRECTORY
        let result = root.map { sb_open_in_root($0, text, flags) } ?? Glibc.open(text, flags | O_CLOEXEC)
        guard let opened = OwnedDescriptor(result) else {
            throw SystemError("open", FilePath(String(decoding: path, as: UTF8.self)))
        }
        return opened
    }
}
