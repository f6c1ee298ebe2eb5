import ArgumentParser
import BuildPlanning
import DockerfileSyntax
import OCI
import Reporting

/// `--change`: instructions for the configuration of an image that is not built.
struct ConfigurationChangeOption: ParsableArguments {
    @Option(
        name: [.customShort("c"), .customLong("change")],
        help: ArgumentHelp("An instruction for the configuration, such as CMD; may repeat.", valueName: "instruction")
    )
    var changes: [String] = []

    /// The settings that the instructions make of others.
    ///
    /// - Throws: `UserError` with the status for wrong use.
    func applied(to start: ImageConfiguration.Execution) throws -> ImageConfiguration.Execution {
        guard !changes.isEmpty else { return start }
        let text = "FROM scratch\n" + changes.joined(separator: "\n") + "\n"
        let source = SourceText(name: "--change", bytes: Array(text.utf8))
        do {
            return try ConfigurationChanges(Dockerfile(parsing: source)).applied(to: start)
        } catch let error as DiagnosticsError {
            throw UserError("--change: \(error.diagnostics.first?.message ?? "")", status: .usage)
        }
    }
}
