import ArgumentParser
import BuildRecords
import CommandSupport
import FileSystem
import Glibc
import Images
import Reporting
import SystemPackage
import TerminalUI

/// `swiftbuild build-logs`: what the processes of a build wrote.
struct BuildLogsCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "build-logs",
        abstract: "Show the complete output of the steps of a build.",
        discussion: """
            The log of a cached step is that of the build that ran it. Values of secrets are masked. On a terminal, \
            escape sequences other than colours are left out.

            EXAMPLES:
              swiftbuild build-logs                       all steps of the last build
              swiftbuild build-logs --step 3 app:latest   a step of the build of an image
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The name or ID of an image, the ID of a build, or `last`.")
    var build = "last"

    @Option(name: .customLong("step"), help: ArgumentHelp("Show only this step.", valueName: "number"))
    var step: Int?

    func run() throws -> ExitStatus {
        let images = try global.store.openExisting()
        let record = try BuildRecordStore(images.store).found(build)
        let places = try record.places(ofStep: step)
        let logs = StepLogStore(images.store)
        try StandardOutput.ignoringClosedPipe {
            for place in places {
                guard let path = logs.log(of: record, stage: place.stage, step: place.step) else { continue }
                let number = record[place].number
                let title = "Step \(number > 0 ? "\(number)/\(record.stepCount) " : "")"
                if step == nil { Terminal.print("==> \(title): \(EscapedText.escaped(record[place].text))") }
                try BuildLogsCommand.show(path)
            }
        }
        return .success
    }

    /// Copies a log to standard output, however long it is.
    private static func show(_ path: FilePath) throws {
        let isSafe = !Terminal.isTerminal(STDOUT_FILENO)
        let file = try OwnedDescriptor(regularFile: path)
        var line: [UInt8] = []
        func printLine() {
            Terminal.print(TerminalText.line(line, keepsColours: Terminal.usesColour(STDOUT_FILENO)))
            line = []
        }
        try FileOperations.forEachPiece(of: file.rawValue, path: path) { piece in
            if isSafe { return try FileOperations.write(piece, to: STDOUT_FILENO, path: StandardOutput.name) }
            for byte in piece {
                if byte == UInt8(ascii: "\n") || line.count == 1 << 16 { printLine() }
                if byte != UInt8(ascii: "\n") { line.append(byte) }
            }
        }
        if !line.isEmpty { printLine() }
    }
}
