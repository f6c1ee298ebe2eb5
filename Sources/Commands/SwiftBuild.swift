public import ArgumentParser
import BuildEngine
import CommandSupport
import ComposeCommands
import ContainerCommands
import DockerCommandLine
import FileSystem
import Glibc
import OCI
import Reporting
import TerminalUI
import Threads

/// The command line: a verb, or none for `build`.
public struct SwiftBuild: ParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "swiftbuild",
        abstract: "Builds container images from Dockerfiles, without a daemon.",
        discussion: """
            EXAMPLES:
              swiftbuild -t app .                     build ./Dockerfile as app:latest
              swiftbuild -f Dockerfile.run -t run .   another Dockerfile
              swiftbuild run app                      run the image
              swiftbuild -o type=oci,dest=app.tar .   write it as an OCI archive
            """,
        version: version,
        groupedSubcommands: [
            CommandGroup(
                name: "Build",
                subcommands: [
                    BuildCommand.self, CheckCommand.self, CheckCacheCommand.self, ExplainCommand.self,
                    BuildLogsCommand.self, ContainerCommands.debugShell, ReportCommand.self, ContextCommand.self,
                ]
            ),
            CommandGroup(name: "Container", subcommands: ContainerCommands.all + [ComposeCommand.self]),
            CommandGroup(
                name: "Image",
                subcommands: [
                    ImagesCommand.self, HistoryCommand.self, AnalyzeCommand.self, DiffCommand.self, ListCommand.self,
                    CatCommand.self, CopyCommand.self, TagCommand.self, RemoveCommand.self, SaveCommand.self,
                    LoadCommand.self, ImportCommand.self, CommitCommand.self,
                ]
            ),
            CommandGroup(
                name: "Registry",
                subcommands: [
                    PullCommand.self, PushCommand.self, IndexCommand.self, LoginCommand.self, LogoutCommand.self,
                ]
            ),
            CommandGroup(
                name: "Store",
                subcommands: [
                    PruneCommand.self, DiskUsageCommand.self, SystemCommand.self, DoctorCommand.self,
                    VersionCommand.self, DebugCommand.self,
                ]
            ),
        ],
        defaultSubcommand: BuildCommand.self
    )

    static let version = ProgramVersion.text

    public init() {}

    /// What the argument parser knows of all commands, as its `--experimental-dump-help` prints it.
    static func helpDocument() throws -> JSONValue {
        do {
            _ = try parseAsRoot(["--experimental-dump-help"])
            preconditionFailure("the argument parser answers itself")
        } catch {
            return try CanonicalJSON.decode(JSONValue.self, from: Array(fullMessage(for: error).utf8))
        }
    }

    /// Parses the command line, does what it says, and exits with an `ExitStatus`.
    ///
    /// To be called on the first thread, which then only waits for signals.
    public static func start() -> Never {
        SupervisorEntry.runIfAsked(CommandLine.arguments)
        StandardOutput.occupyClosedStreams()
        do {
            try prepareUsers(Array(CommandLine.arguments.dropFirst()))
        } catch {
            let failure = FailureReport(error)
            failure.write()
            Glibc.exit(failure.status.rawValue)
        }
        let takesAll = mayRunContainers(CommandLine.arguments)
        Signals.block(all: takesAll)
        // Not on Swift's own pool, whose threads nothing else here needs: starting them costs as much as a short build.
        guard BlockingExecutor.shared.prepare() else {
            let hint = "`ulimit -u` or the container's limit of processes allows too few"
            FailureReport(UserError("no thread can be started", hints: [hint])).write()
            Glibc.exit(ExitStatus.environment.rawValue)
        }
        Task(executorPreference: BlockingExecutor.shared) { await execute() }
        Signals.wait(all: takesAll)
    }

    /// What was typed behind the program's name, which means `compose` where it is Docker Compose's.
    private static var typed: [String] {
        let arguments = CommandLine.arguments.dropFirst()
        guard CommandLine.arguments.first?.split(separator: "/").last == "docker-compose" else {
            return Array(arguments)
        }
        return ["compose"] + (["--version", "-v"].contains(arguments.first) ? ["version"] : Array(arguments))
    }

    /// Whether signals may have to be handed on to a process in the place of this one.
    private static func mayRunContainers(_ arguments: [String]) -> Bool {
        arguments.contains {
            ContainerCommands.inForeground.contains($0) || $0.hasPrefix("--on-error")
        }
    }

    private static func execute() async -> Never {
        let typed = typed
        var isUnderstood = false
        do {
            let arguments = try CommandLineForms.normalised(typed)
            // The argument parser looks at every command first.
            if arguments == ["--version"] {
                Terminal.print(version)
                end(.success)
            }
            if let invocation = BuildInvocation(plain: arguments) { end(try await invocation.run()) }
            var command = try parse(arguments)
            isUnderstood = true
            guard let command = command as? any Command else {
                // Prints its help.
                try command.run()
                end(.success)
            }
            end(try await command.run())
        } catch {
            let status = report(error)
            // Other codes of `run` are its command's, so wrong use of it has the one that Docker has.
            let isMisuse = !isUnderstood && status == .usage && CommandLineForms.verb(of: typed) == "run"
            end(isMisuse ? .container : status)
        }
    }

    /// Parses a command line with its command alone: with all of them the parser looks at several before it comes to it.
    ///
    /// What is wrong, and help, is left to the parser of all commands, which names them.
    private static func parse(_ arguments: [String]) throws -> any ParsableCommand {
        var (found, rest): (any ParsableCommand.Type, ArraySlice<String>) = (SwiftBuild.self, arguments[...])
        while let name = rest.first,
            let next = found.configuration.subcommands.first(where: { $0.configuration.commandName == name })
        {
            (found, rest) = (next, rest.dropFirst())
        }
        if found.configuration.subcommands.isEmpty, let command = try? found.parseAsRoot(Array(rest)),
            type(of: command) == found
        {
            return command
        }
        return try parseAsRoot(arguments)
    }

    /// Ends the program, with an error of its own where data could not be written.
    private static func end(_ status: ExitStatus) -> Never {
        guard let error = StandardOutput.failure else { Glibc.exit(status.rawValue) }
        let failure = FailureReport(error)
        failure.write()
        Glibc.exit(failure.status.rawValue)
    }

    /// Prints what went wrong, or the help that was asked for.
    private static func report(_ error: any Error) -> ExitStatus {
        let code = exitCode(for: error)
        if code == .success {
            Terminal.write(fullMessage(for: error) + "\n", to: STDOUT_FILENO)
            return .success
        }
        guard code == .validationFailure else {
            let failure = FailureReport(error)
            failure.write()
            return failure.status
        }
        // It quotes arguments, which may be names of files.
        let lines = UsageMessage.rewritten(fullMessage(for: error)).split(
            separator: "\n",
            omittingEmptySubsequences: false
        )
        Terminal.write(lines.map { EscapedText.escaped(String($0)) + "\n" }.joined(), to: STDERR_FILENO)
        return .usage
    }
}
