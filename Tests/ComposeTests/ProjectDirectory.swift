import Compose
import Foundation
import Reporting
import SystemPackage

/// A directory with the files of a project, removed at the end.
final class ProjectDirectory {
    let path: URL
    /// Of the files, not of this process.
    var variables: [String: String] = ["HOME": "/home/me", "SET": "value", "EMPTY": ""]

    init(_ files: [String: String]) throws {
        path = URL(filePath: "/tmp/compose-tests-\(UUID().uuidString)/project")
        for (name, text) in files {
            let file = path.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(text.utf8).write(to: file)
        }
    }

    deinit { try? FileManager.default.removeItem(at: path.deletingLastPathComponent()) }

    var options: ProjectOptions { ProjectOptions(variables: variables, workingDirectory: FilePath(path.path)) }

    /// What `config` prints, with `/project` for the directory.
    func document(
        _ format: DocumentFormat = .yaml,
        _ change: (inout ProjectOptions) -> Void = { _ in }
    ) throws -> String {
        var options = options
        change(&options)
        let text = try ResolvedProject(options).text(format)
        return text.replacingOccurrences(of: path.path, with: "/project")
    }

    /// What is said of files that are wrong.
    func failure(_ change: (inout ProjectOptions) -> Void = { _ in }) -> String {
        var options = options
        change(&options)
        do {
            _ = try Project(ResolvedProject(options))
            return ""
        } catch let error as DiagnosticsError {
            return DiagnosticRenderer().render(error).replacingOccurrences(of: path.path, with: "/project")
        } catch {
            return "\(error)\n".replacingOccurrences(of: path.path, with: "/project")
        }
    }
}
