internal import ArgumentParser
internal import CommandSupport
internal import Compose
internal import FileSystem
internal import Glibc
internal import Images
internal import SystemPackage
internal import TerminalUI

/// What every command of `compose` takes.
struct ComposeFlags: ParsableArguments {
    @Option(
        name: .customLong("file"),
        help: ArgumentHelp("A Compose file, `-` for standard input; may repeat (or COMPOSE_FILE).", valueName: "file")
    )
    var files: [String] = []

    @Option(
        name: .customLong("project-name"),
        help: ArgumentHelp("The name of the project (or COMPOSE_PROJECT_NAME).", valueName: "name")
    )
    var projectName: String?

    @Option(
        name: .customLong("project-directory"),
        help: ArgumentHelp("Where relative paths begin; that of the first file otherwise.", valueName: "dir")
    )
    var projectDirectory: String?

    @Option(
        name: .customLong("profile"),
        help: ArgumentHelp("Activate a profile; may repeat (or COMPOSE_PROFILES).", valueName: "name")
    )
    var profiles: [String] = []

    @Option(
        name: .customLong("env-file"),
        help: ArgumentHelp("A file of variables instead of .env; may repeat.", valueName: "file")
    )
    var environmentFiles: [String] = []

    @Option(
        name: .customLong("progress"),
        help: ArgumentHelp("How builds and pulls are shown (or COMPOSE_PROGRESS).", valueName: "mode")
    )
    var progress: ProgressMode?

    @Flag(name: .customLong("all-resources"), help: "Also networks and volumes that no service uses.")
    var hasAllResources = false

    /// The options of a project, of the services that are asked for.
    func options(_ services: [String]) -> ProjectOptions {
        var options = ProjectOptions(
            variables: ProcessEnvironment.variables,
            workingDirectory: FilePath(".").absolute
        ) { try FileOperations.read(descriptor: STDIN_FILENO, path: "-", limit: 16 << 20) }
        options.files = files
        options.name = projectName
        options.directory = projectDirectory
        options.profiles = profiles
        options.environmentFiles = environmentFiles
        options.services = services
        return options
    }

    /// The project of the files.
    ///
    /// - Parameter services: Those that are asked for, with what they need; empty for all.
    /// - Throws: `DiagnosticsError` for what is wrong in a file, `UserError` for what is wrong elsewhere.
    func project(_ services: [String]) throws -> Project {
        let resolved = try ResolvedProject(options(services))
        ComposeFlags.show(resolved)
        return try Project(resolved)
    }

    /// Shows what is built and pulled.
    func renderer() -> any ProgressRenderer {
        let variable = ProcessEnvironment["COMPOSE_PROGRESS"].flatMap(ProgressMode.init(rawValue:))
        return (progress ?? variable ?? .usual).renderer()
    }

    /// The project of the files with its containers.
    func open(_ services: [String], in global: GlobalOptions) throws -> (ComposeProject, Project) {
        let definition = try project(services)
        let images = try global.store.open()
        return (ComposeProject(name: definition.name, definition: definition, images: images), definition)
    }

    /// The project for a command that only needs its containers: where there is no Compose file, its name is enough.
    ///
    /// Its services are those of all profiles.
    func openExisting(in global: GlobalOptions) throws -> ComposeProject {
        var options = options([])
        guard try options.findsFile || options.chosenName == nil else {
            guard let name = try options.chosenName else { preconditionFailure("it was looked at before") }
            return ComposeProject(name: name, definition: nil, images: try global.store.open())
        }
        if options.profiles.isEmpty { options.profiles = ["*"] }
        let resolved = try ResolvedProject(options)
        ComposeFlags.show(resolved)
        let definition = try Project(resolved)
        return ComposeProject(name: definition.name, definition: definition, images: try global.store.open())
    }

    /// Prints what is doubtful in the files of a project.
    static func show(_ project: ResolvedProject) {
        for note in project.notes { Terminal.write("note: \(note)\n", to: STDERR_FILENO) }
        for warning in project.warnings { FailureReport(warning).write() }
    }
}
