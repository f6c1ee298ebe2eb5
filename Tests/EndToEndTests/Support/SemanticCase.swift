internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

/// A directory `Semantics/AREA/CASE`.
struct SemanticCase: Sendable, CustomTestStringConvertible {
    /// `AREA/CASE`.
    let name: String
    let need: SemanticNeed
    var testDescription: String { name }
    var directory: FilePath { SemanticCase.root.pushing(FilePath(name)) }

    private init(name: String) {
        self.name = name
        let directory = SemanticCase.root.pushing(FilePath(name))
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
        need = SemanticNeed(
            of: names.filter { $0.hasSuffix("Dockerfile") || $0 == "arguments" || $0 == "prepare" }
                .map { String(decoding: (try? readFile(directory.appending($0))) ?? [], as: UTF8.self) }
        )
    }

    private static let root = Machine.repository.pushing("Tests/EndToEndTests/Semantics")

    /// All cases in order; those that begin with `$SEMANTICS` when it is set.
    private static let all: [SemanticCase] = {
        directories(root).flatMap { area in
            directories(root.appending(area)).map { SemanticCase(name: "\(area)/\($0)") }
        }.filter { $0.name.hasPrefix(selected) }
    }()

    private static let selected = ProcessInfo.processInfo.environment["SEMANTICS"] ?? ""
    /// Whether no case is left out.
    static let isWhole = selected.isEmpty

    static func all(needing need: SemanticNeed) -> [SemanticCase] { all.filter { $0.need == need } }

    private static func directories(_ path: FilePath) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path.string)) ?? []
        var isDirectory: ObjCBool = false
        return names.sorted().filter {
            FileManager.default.fileExists(atPath: path.appending($0).string, isDirectory: &isDirectory)
                && isDirectory.boolValue
        }
    }

    /// The names of the images to build before, from `NAME.Dockerfile`.
    func parents() throws -> [String] {
        let suffix = ".Dockerfile"
        return try FileManager.default.contentsOfDirectory(atPath: directory.string).sorted()
            .filter { $0.hasSuffix(suffix) }.map { String($0.dropLast(suffix.count)) }
    }

    /// The lines of `arguments`.
    func arguments() throws -> [String] {
        let file = directory.appending("arguments")
        guard fileExists(file) else { return [] }
        return String(decoding: try readFile(file), as: UTF8.self).split(separator: "\n").map(String.init)
            .filter { !$0.hasPrefix("#") }
    }

    /// A copy with the modes that a checkout has under umask 022, with a context, and with what `prepare` makes.
    func prepared(in f: BuildFixture) async throws -> FilePath {
        let copy = f.scratch.appending("case")
        try SemanticCase.copy(directory, to: copy)
        let context = copy.appending("context")
        if !fileExists(context) { try #require(mkdir(context.string, 0o755) == 0) }
        guard fileExists(copy.appending("prepare")) else { return copy }
        let result = try await RunningCommand(
            ["sh", "-eu", "../prepare"],
            environment: ["PATH": Machine.searchPath, "HOME": f.scratch.string, "LC_ALL": "C.UTF-8"],
            directory: context,
            logs: f.scratch
        ).wait()
        try #require(result.status == 0, "\(result)")
        return copy
    }

    private static func copy(_ source: FilePath, to target: FilePath) throws {
        var status = stat()
        try #require(lstat(source.string, &status) == 0)
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            try #require(mkdir(target.string, 0o755) == 0)
            for name in try FileManager.default.contentsOfDirectory(atPath: source.string) {
                try copy(source.appending(name), to: target.appending(name))
            }
            chmod(target.string, 0o755)
        case S_IFLNK:
            try FileManager.default.copyItem(atPath: source.string, toPath: target.string)
        default:
            try Data(try readFile(source)).write(to: URL(fileURLWithPath: target.string))
            chmod(target.string, status.st_mode & 0o111 == 0 ? 0o644 : 0o755)
        }
    }
}
