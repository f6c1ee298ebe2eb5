public import ArgumentParser
import BuildEngine
import FileSystem
import Glibc
import Reporting

/// The command line: a verb, or none for `build`.
public struct SwiftBuild: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "swiftbuild",
        abstract: "Builds container images from Dockerfiles, without a daemon.",
        discussion: """
            EXAMPLES:
              swiftbuild -t app .                      build ./Dockerfile and call the image app:latest
              swiftbuild -f Dockerfile.run -t run .    another Dockerfile
              swiftbuild run app                       run the image
              swiftbuild -o type=oci,dest=app.tar .    write it as an OCI archive
            """,
        version: "0.1.0",
        subcommands: [
            BuildCommand.self, CheckCommand.self, CheckCacheCommand.self, ExplainCommand.self, BuildLogsCommand.self,
            DebugShellCommand.self,
            RunCommand.self,
            ImagesCommand.self, InspectCommand.self, HistoryCommand.self, AnalyzeCommand.self, DiffCommand.self,
            ListCommand.self, CatCommand.self, CopyCommand.self, ReportCommand.self,
            TagCommand.self,
            RemoveCommand.self, PruneCommand.self, DiskUsageCommand.self, DoctorCommand.self, SaveCommand.self,
            LoadCommand.self, ImportCommand.self,
            PullCommand.self, PushCommand.self, IndexCommand.self, LoginCommand.self, LogoutCommand.self,
            ContextCommand.self, DebugCommand.self,
        ],
        defaultSubcommand: BuildCommand.self
    )

    public init() {}

    /// The names of the subcommands, aliases included.
    static var verbs: [String] {
        configuration.subcommands.flatMap { [$0._commandName] + $0.configuration.aliases } + ["help"]
    }

    /// The subcommands that have some of their own.
    static var groups: [String] {
        configuration.subcommands.filter { !$0.configuration.subcommands.isEmpty }.map { $0._commandName }
    }

    /// Parses the command line, does what it says, and exits with one of the codes of `ExitStatus`.
    ///
    /// To be called on the first thread, which then only waits for signals.
    public static func start() -> Never {
        StandardOutput.occupyClosedStreams()
        Signals.block()
        // Not on Swift's own pool, whose threads nothing else here needs: starting them costs as much as a short build.
        Task(executorPreference: BlockingExecutor.shared) { await execute() }
        Signals.wait()
    }

    private static func execute() async -> Never {
        do {
            let arguments = CommandLineForms.normalised(Array(CommandLine.arguments.dropFirst()))
            if let options = BuildOptions(usual: arguments) {
                try await options.build()
                end(ExitStatus.success)
            }
            var command = try parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            end(ExitStatus.success)
        } catch let error as CommandFailure {
            error.report()
            end(error.status)
        } catch {
            end(usage(error))
        }
    }

    /// Ends the program, with an error of its own where data could not be written.
    private static func end(_ status: Int32) -> Never {
        guard let error = StandardOutput.failure else { Glibc.exit(status) }
        let failure = CommandFailure(error)
        failure.report()
        Glibc.exit(failure.status)
    }

    /// Prints help, or what is wrong with the command line.
    private static func usage(_ error: any Error) -> Int32 {
        let code = exitCode(for: error)
        if code == .success {
            Terminal.write(fullMessage(for: error) + "\n", to: STDOUT_FILENO)
            return ExitStatus.success
        }
        guard code == .validationFailure else {
            let failure = CommandFailure(error)
            failure.report()
            return failure.status
        }
        // It quotes arguments, which may be names of files.
        let lines = fullMessage(for: error).split(separator: "\n", omittingEmptySubsequences: false)
        Terminal.write(lines.map { EscapedText.escaped(String($0)) + "\n" }.joined(), to: STDERR_FILENO)
        return ExitStatus.usage
    }
}
