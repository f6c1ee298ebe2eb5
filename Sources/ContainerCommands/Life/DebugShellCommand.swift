import ArgumentParser
import CommandSupport
import ContainerRuntime
import Glibc
import Images
public import Layers
public import Reporting
import TerminalUI

/// `swiftbuild debug-shell`: look around where a `RUN` failed.
struct DebugShellCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "debug-shell",
        abstract: "Open a shell where a RUN failed.",
        discussion: """
            The shell has the files that the failed process left, with its mounts, user, directory and environment, \
            but no secrets or ssh agents. The latest \(FailedStep.limit) failures are kept until `swiftbuild prune`. \
            Changes made in the shell are kept too, but never become part of an image. The exit code is the shell's.

            EXAMPLES:
              swiftbuild debug-shell
              swiftbuild debug-shell -- cat config.log
              swiftbuild build --on-error shell .      as soon as the build fails
            """
    )

    @OptionGroup var global: GlobalOptions

    @Option(
        name: .customLong("build"),
        help: ArgumentHelp("The ID of the build (default: the latest).", valueName: "id")
    )
    var build: String?

    @Argument(parsing: .captureForPassthrough, help: "A command to run instead of a shell.")
    var command: [String] = []

    func run() throws -> ExitStatus {
        let images = try global.store.openExisting()
        Signals.hold()
        let command = command.first == "--" ? Array(command.dropFirst()) : command
        return try FailedStepShell.open(command, build: build, images.layers)
    }
}

/// A shell, or another command, where a `RUN` failed.
public enum FailedStepShell {
    /// Runs a command to its end.
    ///
    /// - Parameters:
    ///   - command: A shell where it is empty.
    ///   - build: The ID of the build that failed; the latest where it is `nil`.
    /// - Returns: The exit code of the command.
    /// - Throws: `UserError` where no failed step has been saved.
    public static func open(_ command: [String], build: String?, _ layers: LayerStore) throws -> ExitStatus {
        guard let failed = FailedStep.latest(of: build, in: layers) else {
            throw UserError(
                build.map { "no failed step of the build `\(EscapedText.escaped($0))` has been saved" }
                    ?? "no failed step has been saved",
                hints: ["the latest \(FailedStep.limit) RUN steps that failed are kept until `swiftbuild prune`"]
            )
        }
        Terminal.write("note: after \(EscapedText.escaped(failed.text))\n", to: STDERR_FILENO)
        for target in failed.missing {
            Terminal.write("note: not kept: \(EscapedText.escaped(target))\n", to: STDERR_FILENO)
        }
        var use: PreparedProcess?
        defer { withExtendedLifetime(use) {} }
        return try ForegroundProcess.run(
            usesTerminal: Terminal.isTerminal(STDIN_FILENO) && Terminal.isTerminal(STDOUT_FILENO),
            isInteractive: true
        ) { streams in
            let (process, resources) = try failed.launch(command, streams)
            use = resources
            return process
        }
    }
}
