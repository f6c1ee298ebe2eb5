internal import FileSystem
internal import Reporting
public import SystemPackage

/// Files that a command line names.
public enum OutputDestination {
    /// Whether a file can be written there, as far as that can be told before.
    ///
    /// - Throws: `UserError`.
    public static func check(_ path: FilePath, of option: String) throws {
        let parent = path.removingLastComponent()
        let directory = parent.isEmpty ? "." : parent
        guard FileStatus.ifPresent(directory.appending("."))?.kind == .directory else {
            throw UserError("\(option): cannot write `\(path)`: there is no directory `\(directory)`")
        }
        guard path.lastComponent != nil, FileStatus.ifPresent(path)?.kind != .directory else {
            throw UserError("\(option): cannot write `\(path)`: it is a directory")
        }
    }

    /// Does something with a file that the user named.
    ///
    /// - Throws: `UserError` with the code for what is not there where that is so, which is no fault of the machine.
    public static func explaining<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as SystemError {
            switch error.errno {
            case .noSuchFileOrDirectory, .notDirectory, .isDirectory: throw UserError("\(error)")
            default: throw error
            }
        }
    }
}
