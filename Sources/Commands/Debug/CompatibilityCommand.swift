import ArgumentParser
import CommandSupport
import DockerCommandLine
import Reporting
import TerminalUI

/// `swiftbuild debug compatibility`: the document about Docker's commands and flags.
struct DebugCompatibilityCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "compatibility",
        abstract: "Print docs/docker-compatibility.md, generated from the tables that read the command line.",
        discussion: """
            EXAMPLES:
              swiftbuild debug compatibility > docs/docker-compatibility.md
            """
    )

    func run() -> ExitStatus {
        Terminal.write(CompatibilityDocument.text, to: 1)
        return .success
    }
}
