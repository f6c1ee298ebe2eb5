import ArgumentParser

/// What `run`, `create` and `exec` take for the process that they start.
struct ProcessFlags: ParsableArguments {
    @Flag(name: [.customShort("i"), .customLong("interactive")], help: "Keep the command's input open.")
    var isInteractive = false

    @Flag(name: [.customShort("t"), .customLong("tty")], help: "Give the command a terminal.")
    var usesTerminal = false

    @Option(
        name: [.customShort("e"), .customLong("env")],
        help: ArgumentHelp("Set a variable; may repeat.", valueName: "name[=value]")
    )
    var env: [String] = []

    @Option(
        name: .customLong("env-file"),
        help: ArgumentHelp("Read variables from a file; may repeat.", valueName: "file")
    )
    var envFiles: [String] = []

    @Option(
        name: [.customShort("w"), .customLong("workdir")],
        help: ArgumentHelp("Where the command starts.", valueName: "dir")
    )
    var workingDirectory: String?

    @Option(
        name: [.customShort("u"), .customLong("user")],
        help: ArgumentHelp("Who runs the command.", valueName: "user[:group]")
    )
    var user: String?

    /// Variables of the command line, over those of the files.
    ///
    /// - Returns: `NAME=value`.
    /// - Throws: `UserError`, `SystemError`.
    func variables() throws -> [String] {
        try ContainerCreation.variables(env, files: envFiles, option: "-e", usesEnvironment: true)
    }
}
