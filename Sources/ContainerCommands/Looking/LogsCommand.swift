import ArgumentParser
import CommandSupport
import Containers
import FileSystem
import Glibc
import OCI
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

    @Flag(name: [.customShort("f"), .customLong("follow")], help: "Follow the output until the container ends.")
    var follows = false

    @Flag(name: [.customShort("t"), .customLong("timestamps")], help: "Show when each line was written.")
    var showsTimes = false

    @Option(
        name: [.customShort("n"), .customLong("tail")],
        help: ArgumentHelp("Show only this many of the last lines.", valueName: "number")
    )
    var tail = "all"

    @Option(
        name: .customLong("since"),
        help: ArgumentHelp("Only output since a time, or for a duration up to now.", valueName: "time")
    )
    var since: String?

    @Option(
        name: .customLong("until"),
        help: ArgumentHelp("Only output before a time, or a duration ago.", valueName: "time")
    )
    var until: String?

    @Argument(help: "Name or ID of a container.")
    var name: String

    func run() async throws -> ExitStatus {
        let store = try global.containers()
        let container = try store.find(name)
        let (first, last) = (try time("--since", since), try time("--until", until))
        var limit: Int?
        if tail != "all" {
            guard let number = Int(tail), number >= 0 else {
                throw UserError("--tail: invalid number `\(tail)`", status: .usage)
            }
            limit = number
        }
        var reader = LogReader(container)
        var lines: [LogEntry] = []
        reader.next { entry in
            guard isWanted(entry, first, last) else { return }
            guard let limit else { return show(entry) }
            lines.append(entry)
            if lines.count > 2 * limit + 1000 { lines = Array(lines.suffix(limit)) }
        }
        for entry in lines.suffix(limit ?? 0) { show(entry) }
        guard follows else { return .success }
        while true {
            let isRunning = (try? store.container(container.id))?.state.isRunning ?? false
            reader.next { if isWanted($0, first, last) { show($0) } }
            guard isRunning else { return .success }
            try await Pause.wait(seconds: 0.05)
        }
    }

    private func isWanted(_ entry: LogEntry, _ first: Int64?, _ last: Int64?) -> Bool {
        guard first != nil || last != nil, let time = entry.time.secondsSinceEpoch else { return true }
        return (first.map { time >= $0 } ?? true) && (last.map { time <= $0 } ?? true)
    }

    private func show(_ entry: LogEntry) {
        let text = (showsTimes ? "\(entry.time) " : "") + entry.log
        Terminal.write(text, to: entry.stream == .output ? STDOUT_FILENO : STDERR_FILENO)
    }

    /// Seconds since 1970.
    private func time(_ option: String, _ text: String?) throws -> Int64? {
        try text.map { try TimeArgument.nanoseconds(option, $0) / 1_000_000_000 }
    }
}
