package import ArgumentParser

/// What `run`, `create` and `exec` take for the process that they start.
package struct ProcessFlags: ParsableArguments, Sendable {
    @Flag(name: [.customShort("i"), .customLong("interactive")], help: "Keep the command's input open.")
    package var isInteractive = false

    @Flag(name: [.customShort("t"), .customLong("tty")], help: "Give the command a terminal.")
    package var usesTerminal = false

    @Option(
        name: [.customShort("e"), .customLong("env")],
        help: ArgumentHelp("Set a variable; may repeat.", valueName: "name[=value]")
    )
    package var env: [String] = []

    @Option(
        name: .customLong("env-file"),
        help: ArgumentHelp("Read variables from a file; may repeat.", valueName: "file")
    )
    package var envFiles: [String] = []

    @Option(
        name: [.customShort("w"), .customLong("workdir")],
        help: ArgumentHelp("Where the command starts.", valueName: "dir")
    )
    package var workingDirectory: String?

    @Option(
        name: [.customShort("u"), .customLong("user")],
        help: ArgumentHelp("Who runs the command.", valueName: "user[:group]")
    )
    package var user: String?

    /// Variables of the command line, over those of the files.
    ///
    /// - Returns: `NAME=value`.
    /// - Throws: `UserError`, `SystemError`.
    func variables() throws -> [String] {
        try ContainerCreation.variables(env, files: envFiles, option: "-e", usesEnvironment: true)
    }

    /// Variables as `-e` has them.
    ///
    /// - Returns: `NAME=value`.
    /// - Throws: `UserError`.
    package static func variables(_ texts: [String]) throws -> [String] {
        try ContainerCreation.variables(texts, files: [], option: "-e", usesEnvironment: true)
    }

    package init() {}
}
