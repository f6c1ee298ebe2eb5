import ArgumentParser
import CommandSupport
import Containers
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
            A RUN that fails leaves a stopped container, which `ps -a` lists. This starts the latest one with a shell in \
            the place of its command: with the files that the failed process left, its mounts, user, directory and \
            environment, but no secrets or ssh agents. What the shell changes stays in the container; `commit` makes an \
            image of it. The exit code is the shell's. The containers of the latest \(FailedStep.limit) failures are kept \
            until `prune` or `rm`.

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
        let command = command.first == "--" ? Array(command.dropFirst()) : command
        return try DebugShell.open(command, build: build, images.layers)
    }
}

/// A shell, or another command, in the container that a failed step has left.
public enum DebugShell {
    /// Runs a command to its end.
    ///
    /// - Parameters:
    ///   - command: A shell where it is empty.
    ///   - build: The ID of the build that failed, or the beginning of one; the latest where it is `nil`.
    /// - Returns: The exit code of the command.
    /// - Throws: `UserError` where no failed step has been saved, or its container runs; `ContainerStoreError`.
    public static func open(_ command: [String], build: String?, _ layers: LayerStore) throws -> ExitStatus {
        let (container, step) = try find(build, in: ContainerStore(layers))
        guard !container.state.isRunning else {
            let name = container.record.name
            throw UserError(
                "the container `\(name)` is running",
                hints: ["`swiftbuild exec -it \(name) sh` opens another shell in it"]
            )
        }
        Terminal.write("note: after \(EscapedText.escaped(step.text))\n", to: STDERR_FILENO)
        for target in container.record.missingCredentials {
            Terminal.write("note: not kept: \(EscapedText.escaped(target))\n", to: STDERR_FILENO)
        }
        Signals.hold()
        let (shell, connection) = try start(container, command.isEmpty ? [["/bin/bash"], ["/bin/sh"]] : [command])
        // Keys that detach belong to the shell's own.
        return try AttachedContainer(container: shell, connection: connection, givesInput: true, detachKeys: []).show()
    }

    private static func find(_ build: String?, in store: ContainerStore) throws -> (Container, FailedStep) {
        for container in try store.failedSteps() {
            if let step = container.record.failedStep, step.build.hasPrefix(build ?? "") { return (container, step) }
        }
        throw UserError(
            build.map { "no failed step of the build `\(EscapedText.escaped($0))` has been saved" }
                ?? "no failed step has been saved",
            hints: ["the latest \(FailedStep.limit) RUN steps that failed are kept until `swiftbuild prune`"]
        )
    }

    /// Starts a container with the first of some commands that it has.
    private static func start(_ container: Container, _ commands: [[String]]) throws -> (
        Container, SupervisorConnection
    ) {
        let container = container.replacingCommand(
            by: commands[0],
            usesTerminal: Terminal.isTerminal(STDIN_FILENO) && Terminal.isTerminal(STDOUT_FILENO),
            isInteractive: true
        )
        do {
            let attachment = Attachment(givesInput: true, terminal: STDOUT_FILENO)
            return (container, try container.start(SupervisorEntry.arguments(container), attachment: attachment))
        } catch ContainerStoreError.notStarted(let reason, let code) {
            let isMissing = [126, 127].contains(code)
            if isMissing, commands.count > 1 { return try start(container, Array(commands.dropFirst())) }
            throw UserError(reason, status: isMissing ? ExitStatus(rawValue: code) : .environment)
        }
    }
}
