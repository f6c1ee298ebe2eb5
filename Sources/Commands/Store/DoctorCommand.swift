import ArgumentParser
import CommandSupport
import Reporting
import StoreMaintenance
import TerminalUI

/// `swiftbuild doctor`.
struct DoctorCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check what this machine allows, and whether the store is intact.",
        discussion: """
            With --repair, all content is read and compared with its digest. Damaged data that can be recreated is \
            removed: step results, indexes of layers, records, and all unpacked layers. Incomplete images are listed. \
            The exit code is 3 if something prevents builds.

            EXAMPLES:
              swiftbuild doctor
              swiftbuild doctor --repair
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(name: .customLong("repair"), help: "Verify all content, and remove what is damaged.")
    var repairs = false

    @Option(name: .customLong("format"), help: "How to print it.")
    var format = OutputFormat.text

    func run() throws -> ExitStatus {
        let diagnosis = try Diagnosis(of: global.store, isRepairing: repairs)
        switch format {
        case .json: try Terminal.print(json: diagnosis)
        case .text:
            for finding in diagnosis.findings {
                let level = "\(finding.level)".padded(to: 8)
                Terminal.print("\(level)\(finding.subject.padded(to: 17))\(EscapedText.escaped(finding.text))")
                if let hint = finding.hint { Terminal.print("\("".padded(to: 25))hint: \(EscapedText.escaped(hint))") }
            }
            if let usage = diagnosis.usage {
                Terminal.print("")
                Terminal.print(usage.table)
            }
        }
        return diagnosis.findings.contains { $0.level == .error } ? .environment : .success
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
