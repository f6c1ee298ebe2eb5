internal import BuildContext
internal import BuildService
internal import Compose
internal import FileSystem
internal import SystemPackage
internal import Tar

/// One element of a service's `develop.watch`: which changes it is about.
struct WatchedPath: Sendable {
    let service: Service
    let rule: WatchRule
    let root: FilePath
    private let ignored: IgnoreFile
    /// What is ignored where only some files are included.
    private let excluded: IgnoreFile
    /// Of the build context, with that.
    private let contextIgnored: (root: FilePath, file: IgnoreFile)?

    /// What editors and Git write beside the files that they are about.
    private static let passing = [
        "**/.git", "**/*~", "**/.*.sw?", "**/.*.swpx", "**/4913", "**/.#*", "**/#*#", "**/*___jb_tmp___",
        "**/*___jb_old___",
    ]

    /// - Throws: `BuildContextError` for a malformed pattern, `UserError` and `DiagnosticsError` for an ignore file.
    init(_ service: Service, _ rule: WatchRule) throws {
        (self.service, self.rule) = (service, rule)
        root = FilePath(rule.path).lexicallyNormalized()
        ignored = try IgnoreFile(patterns: (WatchedPath.passing + rule.ignore).map { Array($0.utf8) })
        excluded =
            rule.include.isEmpty
            ? .empty : try IgnoreFile(patterns: (["**"] + rule.include.map { "!" + $0 }).map { Array($0.utf8) })
        guard let context = service.build?.context, context.hasPrefix("/"),
            FileStatus.ifPresent(FilePath(context).appending("."))?.kind == .directory
        else {
            contextIgnored = nil
            return
        }
        let directory = try BuildFiles.openWithIgnoreFile(context)
        contextIgnored = (FilePath(context).lexicallyNormalized(), directory.ignoreFile)
    }

    /// The path below the root, empty for the root itself; `nil` for what this is not about.
    func path(of file: FilePath) -> PathInRoot? {
        guard let path = WatchedPath.path(of: file, below: root), !leavesOut(file) else { return nil }
        return excluded.ignores(path.bytes) ? nil : path
    }

    /// Whether a path is ignored, and with a directory all that is below it.
    func leavesOut(_ file: FilePath) -> Bool {
        if let path = WatchedPath.path(of: file, below: root), ignored.ignores(path.bytes) {
            return true
        }
        guard let (root, context) = contextIgnored, let path = WatchedPath.path(of: file, below: root) else {
            return false
        }
        return context.ignores(path.bytes)
    }

    private static func path(of file: FilePath, below root: FilePath) -> PathInRoot? {
        guard file.starts(with: root) else { return nil }
        return PathInRoot(Array(file.string.utf8.dropFirst(root.string.utf8.count)))
    }
}
