import BuildContext
import FileSystem
import Glibc
import Reporting
import SystemPackage

/// The Dockerfile's text and the context directory of a build.
struct BuildFiles {
    let dockerfile: SourceText
    let context: ContextDirectory?

    init(context: String, dockerfile: String?) throws {
        let directory = context == "-" ? nil : try BuildFiles.open(context)
        if directory == nil, let dockerfile, dockerfile != "-" {
            throw CommandFailure("a build context from standard input is not supported yet: name a directory")
        }
        if dockerfile == "-" || directory == nil {
            let bytes = try FileOperations.read(descriptor: STDIN_FILENO, path: "standard input", limit: 64 << 20)
            guard directory != nil || !bytes.prefix(512).contains(0) else {
                throw CommandFailure(
                    "standard input is no Dockerfile; an archive as build context is not supported yet"
                )
            }
            self.dockerfile = SourceText(name: "-", bytes: bytes)
            self.context = try directory.map { try BuildFiles.ignoring($0, dockerfile: nil) }
            return
        }
        let path = dockerfile.map { FilePath($0) } ?? BuildFiles.defaultDockerfile(FilePath(context))
        do {
            self.dockerfile = SourceText(name: path.string, bytes: try FileOperations.read(path, limit: 64 << 20))
        } catch {
            throw CommandFailure(
                "cannot read the Dockerfile `\(path)`: \(error.errno.sentence)",
                hints: ["`-f PATH` names another one"]
            )
        }
        self.context = try directory.map { try BuildFiles.ignoring($0, dockerfile: path) }
    }

    /// A directory with the ignore file that lies in it.
    static func openWithIgnoreFile(_ path: String) throws -> ContextDirectory {
        try ignoring(try open(path), dockerfile: nil)
    }

    private static func open(_ path: String) throws -> ContextDirectory {
        if path.contains("://") || path.hasPrefix("git@") {
            throw CommandFailure("a build context from `\(path)` is not supported yet: name a directory")
        }
        do {
            return try ContextDirectory(FilePath(path))
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    private static func defaultDockerfile(_ context: FilePath) -> FilePath {
        let usual = context.appending("Dockerfile").lexicallyNormalized()
        let other = context.appending("dockerfile").lexicallyNormalized()
        return FileStatus.ifPresent(usual) == nil && FileStatus.ifPresent(other) != nil ? other : usual
    }

    /// `NAME.dockerignore` beside the Dockerfile goes before `.dockerignore` in the context.
    private static func ignoring(_ context: ContextDirectory, dockerfile: FilePath?) throws -> ContextDirectory {
        var candidates = [(path: context.path.appending(".dockerignore"), name: ".dockerignore")]
        if let dockerfile, let last = dockerfile.lastComponent {
            let own = dockerfile.removingLastComponent().appending(last.string + ".dockerignore")
            candidates.insert((own, own.string), at: 0)
        }
        for candidate in candidates where FileStatus.ifPresent(candidate.path) != nil {
            let bytes: [UInt8]
            do {
                bytes = try FileOperations.read(candidate.path, limit: 64 << 20)
            } catch {
                throw CommandFailure("\(error)")
            }
            return context.ignoring(try IgnoreFile(parsing: SourceText(name: candidate.name, bytes: bytes)))
        }
        return context
    }
}
