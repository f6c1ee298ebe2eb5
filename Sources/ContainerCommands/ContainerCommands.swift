public import ArgumentParser

/// The commands that make containers and work on them, in the order in which the help lists them.
public enum ContainerCommands {
    public static var all: [any ParsableCommand.Type] {
        [
            RunCommand.self, CreateCommand.self, StartCommand.self, AttachCommand.self, ExecCommand.self,
            PsCommand.self, LogsCommand.self, InspectCommand.self, PortCommand.self, TopCommand.self,
            StatsCommand.self, EventsCommand.self, StopCommand.self, RestartCommand.self, KillCommand.self,
            PauseCommand.self, UnpauseCommand.self, WaitCommand.self, RenameCommand.self, RemoveContainerCommand.self,
            ExportCommand.self, ContainerCommand.self, NetworkCommand.self, VolumeCommand.self,
        ]
    }

    /// The one that is about a build, and runs a container for it.
    public static var debugShell: any ParsableCommand.Type { DebugShellCommand.self }

    /// The verbs after which every signal may have to be handed on to a process in the place of this one.
    public static let inForeground: Set<String> = ["run", "start", "attach", "exec", "debug-shell"]
}
