internal import CLinux
internal import Glibc
public import SystemPackage

/// A directory that is somewhere else as long as a process needs it there.
///
/// A symbolic link stands in its place, and says where it is: to others meanwhile, and to those who take it back after the
/// program that moved it was killed.
public enum LentDirectory {
    /// Moves a directory to a path on the same filesystem where nothing is.
    public static func lend(_ directory: FilePath, to place: FilePath) throws(SystemError) {
        try link(to: place, at: place)
        if exchange(directory, place) { return }
        // Not every filesystem can exchange two files in one step.
        try FileOperations.remove(place)
        try FileOperations.rename(directory, to: place)
        try link(to: place, at: directory)
    }

    /// Where a directory is; `nil` for one that is not lent.
    public static func place(of directory: FilePath) -> FilePath? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = directory.withPlatformString { readlink($0, &buffer, buffer.count - 1) }
        return count > 0 ? FilePath(platformString: buffer) : nil
    }

    /// Moves a directory back, unless it is not lent; one that is nowhere any more is empty then.
    public static func takeBack(_ directory: FilePath) throws(SystemError) {
        guard let place = place(of: directory) else { return }
        guard FileStatus.ifPresent(place)?.kind == .directory else {
            try FileOperations.remove(directory)
            return try FileOperations.createRoot(directory)
        }
        guard !exchange(place, directory) else { return try FileOperations.remove(place) }
        try FileOperations.remove(directory)
        try FileOperations.rename(place, to: directory)
    }

    private static func link(to target: FilePath, at path: FilePath) throws(SystemError) {
        let result = target.withPlatformString { target in path.withPlatformString { symlink(target, $0) } }
        guard result == 0 else { throw SystemError("make a link", path) }
    }

    private static func exchange(_ path: FilePath, _ other: FilePath) -> Bool {
        path.withPlatformString { path in other.withPlatformString { sb_exchange(path, $0) == 0 } }
    }
}
