import ArgumentParser
import BuildChecks
import CommandSupport
import FileSystem
import Glibc
import Reporting
import TerminalUI

/// `swiftbuild debug`: what developers of this program and of others compare it with.
struct DebugCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "debug",
        abstract: "Commands for developers of this program.",
        discussion: """
            EXAMPLES:
              swiftbuild debug tables < rows.jsonl
              swiftbuild debug manual > swiftbuild.1
            """,
        subcommands: [DebugTablesCommand.self, DebugManualCommand.self, DebugCompatibilityCommand.self]
    )
}

/// `swiftbuild debug tables`: JSON Lines in, JSON Lines out.
struct DebugTablesCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "tables",
        abstract: "Answer rows of test tables from standard input, one JSON object per line.",
        discussion: """
            EXAMPLES:
              echo '{"id": 1, "op": "expand", "word": "$A"}' | swiftbuild debug tables

            docs/debug-tables.md describes the operations.
            """
    )

    func run() throws -> ExitStatus {
        var waiting: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(STDIN_FILENO, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            waiting += chunk[..<count]
            // Whole lines at once, so that a program on the other side may wait for each answer.
            var answers: [UInt8] = []
            var start = 0
            while let end = waiting[start...].firstIndex(of: UInt8(ascii: "\n")) {
                answers += TableRow.answer(to: waiting[start..<end])
                start = end + 1
            }
            waiting.removeFirst(start)
            Terminal.write(answers, to: STDOUT_FILENO)
        }
        Terminal.write(TableRow.answer(to: waiting[...]), to: STDOUT_FILENO)
        return .success
    }
}
