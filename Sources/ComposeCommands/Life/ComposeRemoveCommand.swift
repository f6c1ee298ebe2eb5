internal import ArgumentParser
internal import CommandSupport
internal import Containers
internal import FileSystem
internal import Glibc
internal import Reporting
internal import TerminalUI

/// `swiftbuild compose rm`.
struct ComposeRemoveCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Remove the stopped containers of services.",
        discussion: """
            EXAMPLES:
              swiftbuild compose rm -f
              swiftbuild compose rm -sfv web
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Flag(name: [.customShort("f"), .customLong("force")], help: "Do not ask.")
    var isForced = false

    @Flag(name: [.customShort("s"), .customLong("stop")], help: "Stop them first.")
    var stops = false

    @Flag(name: [.customShort("v"), .customLong("volumes")], help: "Remove their anonymous volumes too.")
    var removesVolumes = false

    @Argument(help: "Only these services.")
    var services: [String] = []

    func run() async throws -> ExitStatus {
        let project = try flags.openExisting(in: global)
        let containers = try project.containers(of: services, includesOneOffs: true).filter { stops || !$0.isRunning }
        guard !containers.isEmpty else {
            ProjectProgress.note("no stopped containers")
            return .success
        }
        guard try isForced || confirm(containers) else { return .success }
        let removesVolumes = removesVolumes
        try await Signals.cancelling {
            let lock = try project.lock()
            defer { withExtendedLifetime(lock) {} }
            try await ProjectStop(project: project).remove(containers, removesVolumes: removesVolumes)
        }
        return .success
    }

    private func confirm(_ containers: [ServiceContainer]) throws -> Bool {
        guard Terminal.isTerminal(STDIN_FILENO) else {
            throw UserError(
                "cannot prompt: standard input is not a terminal",
                hints: ["`-f` removes without asking"],
                status: .usage
            )
        }
        let names = containers.map { Terminal.safe(output: $0.name) }.joined(separator: ", ")
        Terminal.write("Going to remove \(names)\nAre you sure? [y/N] ", to: STDERR_FILENO)
        return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
    }
}
