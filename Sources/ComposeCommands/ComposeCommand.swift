public import ArgumentParser

/// `swiftbuild compose`: applications of several containers, described by Compose files.
public struct ComposeCommand: ParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "compose",
        abstract: "Applications of several containers, described by a Compose file.",
        discussion: """
            Flags for all commands, such as -f FILE and -p NAME, may stand before the command.

            EXAMPLES:
              swiftbuild compose build
              swiftbuild compose config
              swiftbuild compose -f compose.yaml -f compose.ci.yaml config --quiet
            """,
        subcommands: [
            ComposeUpCommand.self, ComposeDownCommand.self, ComposeRunCommand.self, ComposeExecCommand.self,
            ComposePsCommand.self, ComposeLogsCommand.self, ComposeStartCommand.self, ComposeStopCommand.self,
            ComposeRestartCommand.self, ComposeKillCommand.self, ComposeRemoveCommand.self, ComposeCreateCommand.self,
            ComposeScaleCommand.self, ComposePauseCommand.self, ComposeUnpauseCommand.self, ComposeWaitCommand.self,
            ComposePortCommand.self, ComposeTopCommand.self, ComposeEventsCommand.self, ComposeListCommand.self,
            ComposeCopyCommand.self, ComposeExplainCommand.self, ComposeWatchCommand.self, ComposeBuildCommand.self,
            ComposePullCommand.self, ComposePushCommand.self, ComposeImagesCommand.self,
            ComposeConfigCommand.self, ComposeVersionCommand.self,
        ]
    )

    public init() {}
}
