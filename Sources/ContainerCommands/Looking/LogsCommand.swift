import ArgumentParser
import CommandSupport
import Containers
import Glibc
import Reporting
import TerminalUI
import Threads

/// `swiftbuild logs`.
struct LogsCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Show the output of a container.",
        discussion: """
            EXAMPLES:
              swiftbuild logs web
              swiftbuild logs -f --tail 100 web
              swiftbuild logs --since 10m -t web
            """
    )

    @OptionGroup var global: GlobalOptions

    @OptionGroup var flags: LogFlags

    @Argument(help: "Name or ID of a container.")
    var name: String

    func run() async throws -> ExitStatus {
        let store = try global.containers()
        let container = try store.find(name)
        let selection = try flags.selection
        var reader = LogReader(container)
        selection.next(of: &reader, isFirst: true, show)
        while flags.follows {
            // Looked at before the output, so that all of it has been read once it has ended.
            let isRunning = (try? store.container(container.id))?.state.isRunning ?? false
            selection.next(of: &reader, isFirst: false, show)
            guard isRunning else { break }
            try await Pause.wait(seconds: 0.05)
        }
        return .success
    }

    private func show(_ entry: LogEntry) {
        let text = (flags.showsTimes ? "\(entry.time) " : "") + entry.log
        Terminal.write(text, to: entry.stream == .output ? STDOUT_FILENO : STDERR_FILENO)
    }
}
