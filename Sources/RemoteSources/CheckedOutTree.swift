internal import BuildContext
internal import FileSystem
internal import Glibc
internal import SystemPackage

/// The files that `git` made, on their way to what a build takes.
struct CheckedOutTree {
    private let path: FilePath

    init(_ path: FilePath) {
        self.path = path
    }

    /// Removes what git needed for itself, and gives everything one time: that of the commit, not of the checkout.
    ///
    /// Where `.git` stays, it loses what tells of this machine: where in its store the commit was fetched from.
    func finish(keepsGitDirectory: Bool, time: Int64) throws {
        let context = try ContextDirectory(path)
        let roots = try context.select(source: [], wildcards: .none)
        for root in roots {
            let listing = try context.list(root)
            var paths: [[UInt8]] = [[]]
            var unwanted: [[UInt8]] = []
            listing.forEach { path, _ in
                let components = path.split(separator: UInt8(ascii: "/"))
                let name = components.last ?? []
                if !keepsGitDirectory, name.elementsEqual(".git".utf8) {
                    unwanted.append(path)
                } else if name.elementsEqual("FETCH_HEAD".utf8), components[0].elementsEqual(".git".utf8) {
                    unwanted.append(path)
                }
                paths.append(path)
            }
            // Of submodules it is a file that names a directory in the outer one.
            for path in unwanted { try FileOperations.removeTree(context.filePath(path)) }
            // Children before their directories, which removing and setting do not touch again then.
            for path in paths.reversed() {
                var times = [timespec(tv_sec: Int(time), tv_nsec: 0), timespec(tv_sec: Int(time), tv_nsec: 0)]
                _ = context.filePath(path).withPlatformString { utimensat(AT_FDCWD, $0, &times, AT_SYMLINK_NOFOLLOW) }
            }
        }
    }

    /// A directory of the tree; links on the way stay inside it.
    ///
    /// - Returns: `nil` where there is none.
    func directory(_ subdirectory: String) -> FilePath? {
        guard let context = try? ContextDirectory(path),
            let root = try? context.select(source: Array(subdirectory.utf8), wildcards: .none).first, root.isDirectory
        else { return nil }
        return context.filePath(root.resolvedPath)
    }
}
