internal import Foundation
internal import SystemPackage
internal import Testing

/// A directory `Semantics/AREA/CASE`.
struct SemanticCase: Sendable, CustomTestStringConvertible {
    /// `AREA/CASE`.
    let name: String
    var testDescription: String { name }
    var directory: FilePath { SemanticCase.root.pushing(FilePath(name)) }

    private static let root = Machine.repository.pushing("Tests/EndToEndTests/Semantics")

    /// All cases in order; those that begin with `$SEMANTICS` when it is set.
    static let all: [SemanticCase] = {
        let selected = ProcessInfo.processInfo.environment["SEMANTICS"] ?? ""
        return directories(root).flatMap { area in
            directories(root.appending(area)).map { SemanticCase(name: "\(area)/\($0)") }
        }.filter { $0.name.hasPrefix(selected) }
    }()

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
        try FileManager.default.copyItem(atPath: directory.string, toPath: copy.string)
        let script = """
            mkdir -p context
            chmod -R u=rwX,go=rX .
            test ! -e prepare || (cd context && sh -eu ../prepare)
            """
        let result = try await Machine.run(["env", "-C", copy.string, "sh", "-euc", script], in: f.scratch)
        try #require(result.status == 0, "\(result)")
        return copy
    }
}
