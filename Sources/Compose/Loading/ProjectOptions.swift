internal import Reporting
public import SystemPackage

/// What the command line and the environment say about a project.
public struct ProjectOptions {
    /// `--file`, in order, of which `-` is standard input.
    ///
    /// Without any, the usual names are looked for.
    public var files: [String] = []
    /// `--project-directory`.
    public var directory: String?
    /// `--project-name`.
    public var name: String?
    /// `--profile`.
    public var profiles: [String] = []
    /// `--env-file`; without any, `.env`.
    public var environmentFiles: [String] = []
    /// The services that are asked for; empty for all.
    ///
    /// They are there whatever their profiles.
    public var services: [String] = []
    /// `--no-interpolate` switches it off; then there is only the document.
    public var interpolates = true
    /// `--no-path-resolution` switches it off.
    public var resolvesPaths = true
    /// `--no-normalize` switches it off.
    public var normalizes = true
    /// `--no-consistency` switches it off.
    public var checksConsistency = true
    /// `--no-env-resolution` switches it off.
    public var resolvesEnvironmentFiles = true
    /// The variables of the process.
    public var variables: [String: String]
    public var workingDirectory: FilePath
    /// Reads standard input to its end.
    public var standardInput: () throws -> [UInt8]

    public init(
        variables: [String: String],
        workingDirectory: FilePath,
        standardInput: @escaping () throws -> [UInt8] = { [] }
    ) {
        self.variables = variables
        self.workingDirectory = workingDirectory
        self.standardInput = standardInput
    }

    /// Whether there is a Compose file.
    public var findsFile: Bool {
        guard let variables = try? ProjectVariables.load(self) else { return true }
        return (try? FileDiscovery(self, variables: variables)) != nil
    }

    /// The name of the project that the command line or the environment gives.
    ///
    /// - Throws: `UserError` where it is invalid.
    public var chosenName: ProjectName? {
        get throws(UserError) { try ProjectName.chosen(self, variables: variables) }
    }
}
