internal import Glibc
public import SystemPackage

/// What was moved for the time that a process runs, written down beside the files that the process works on, so that it is
/// undone though the program that moved it is killed.
public struct DisplacedFiles: Sendable {
    /// What was done to a path.
    enum Change: UInt8 {
        /// It was moved away, and is to be put over what is there.
        case aside = 0x61
        /// It was moved away, or lent, and goes back where nothing else is.
        case borrowed = 0x62
        /// It was made, and is to be removed.
        case made = 0x6D
    }

    private let file: OpenFile
    private let path: FilePath

    private static func path(in directory: FilePath) -> FilePath { directory.appending("displaced") }

    /// Starts a list in a directory.
    public init(in directory: FilePath) throws(SystemError) {
        path = DisplacedFiles.path(in: directory)
        file = OpenFile(try OwnedDescriptor(path, O_WRONLY | O_CREAT | O_APPEND | O_TRUNC, 0o600))
    }

    /// Moves a file away from its path.
    public func putAside(_ path: FilePath, as other: FilePath) throws(SystemError) {
        try note(.aside, path, other)
        try FileOperations.rename(path, to: other)
    }

    /// Moves a file or directory to a path where nothing is; a directory is lent.
    public func borrow(_ origin: FilePath, to place: FilePath) throws(SystemError) {
        try note(.borrowed, origin, place)
        // The list must not be lost with what is outside of its directory.
        guard fdatasync(file.descriptor) == 0 else { throw SystemError("sync", path) }
        guard FileStatus.ifPresent(origin)?.kind == .directory else {
            return try FileOperations.rename(origin, to: place)
        }
        try LentDirectory.lend(origin, to: place)
    }

    /// Notes that something is made at a path where nothing is.
    public func make(_ path: FilePath) throws(SystemError) { try note(.made, path, "") }

    private func note(_ change: Change, _ origin: FilePath, _ place: FilePath) throws(SystemError) {
        var line = [change.rawValue]
        for path in [origin, place] {
            line += path.withPlatformString { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) } + [0]
        }
        let written = line.withUnsafeBytes { bytes in
            Result { () throws(SystemError) in
                try FileOperations.write(bytes, to: file.descriptor, path: path)
            }
        }
        try written.get()
    }

    /// The paths at which there is something else now than what belongs there, from a directory's list.
    public static func covered(in directory: FilePath) -> Set<FilePath> {
        Set(entries(in: directory).map { $0.change == .borrowed ? $0.place : $0.origin })
    }

    private static func entries(in directory: FilePath) -> [(change: Change, origin: FilePath, place: FilePath)] {
        guard let bytes = try? FileOperations.readRegular(path(in: directory)) else { return [] }
        let words = bytes.split(separator: 0, omittingEmptySubsequences: false)
        return stride(from: 0, to: words.count - 2, by: 2).compactMap { position in
            guard let change = words[position].first.flatMap(Change.init) else { return nil }
            return (change, FilePath(bytes: words[position].dropFirst()), FilePath(bytes: words[position + 1]))
        }
    }

    /// Undoes everything in a directory's list, the last change first, and removes the list.
    ///
    /// Only while no process works on the files.
    /// - Returns: The paths at which there is again what was put aside.
    /// - Throws: `SystemError` for the first that cannot be put back. The list stays then, and so must the directory: what
    ///   was borrowed may be in it.
    @discardableResult
    public static func restore(in directory: FilePath) throws(SystemError) -> Set<FilePath> {
        var restored: Set<FilePath> = []
        for (change, origin, place) in entries(in: directory).reversed() {
            switch change {
            case .aside:
                guard FileStatus.ifPresent(place) != nil else { continue }
                try? FileOperations.removeTree(origin)
                try FileOperations.rename(place, to: origin)
                restored.insert(origin)
            case .borrowed:
                if LentDirectory.place(of: origin) == place {
                    try LentDirectory.takeBack(origin)
                } else if FileStatus.ifPresent(origin) == nil, FileStatus.ifPresent(place) != nil {
                    try FileOperations.rename(place, to: origin)
                }
            case .made: try? FileOperations.removeTree(origin)
            }
        }
        try? FileOperations.remove(path(in: directory))
        return restored
    }
}

extension FilePath {
    fileprivate init(bytes: ArraySlice<UInt8>) {
        self.init(platformString: bytes.map { CInterop.PlatformChar(bitPattern: $0) } + [0])
    }
}
