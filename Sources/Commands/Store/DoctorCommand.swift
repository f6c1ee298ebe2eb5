import ArgumentParser
import Images
import Reporting
import SystemPackage
import TerminalUI

/// `swiftbuild doctor`.
struct DoctorCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Tell what this machine allows, and whether the store is in order.",
        discussion: """
            With --repair all content is read and compared with its digest. What is damaged and can be made again is
            removed: step results, indexes of layers, records, and unpacked layers, which are all unpacked again. Images
            of which something is missing are named. The exit code is 3 when something prevents builds.

            EXAMPLES:
              swiftbuild doctor
              swiftbuild doctor --repair
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(name: .customLong("repair"), help: "Verify all content, and remove what is damaged.")
    var repairs = false

    @Option(name: .customLong("format"), help: "How it is printed.")
    var format = OutputFormat.text

    private struct Document: Encodable {
        let findings: [DoctorFinding]
        let store: String
        var usage: StoreUsage?
    }

    func run() throws -> ExitStatus {
        var findings = MachineCheck.findings()
        var document = Document(findings: [], store: global.root ?? GlobalOptions.defaultRoot)
        do {
            let skeleton = StoreSkeleton(root: FilePath(document.store))
            let damaged = global.hasStore ? skeleton.damaged : []
            findings += damaged.map { path in
                repairs
                    ? DoctorFinding(.note, "store", "made `\(path)` again")
                    : DoctorFinding(
                        .error,
                        "store",
                        "`\(path)` is not what it must be",
                        hint: "`swiftbuild doctor --repair` makes it again"
                    )
            }
            if !global.hasStore {
                findings.append(MachineCheck.place(ofStore: FilePath(document.store)))
            } else if repairs || damaged.isEmpty {
                if repairs { try skeleton.repair() }
                let images = try global.images()
                findings += MachineCheck.findings(store: images.store)
                findings += try StoreCheck(images, repairing: repairs).findings()
                document.usage = try StoreUsage(images)
            }
        } catch let error as UserError {
            findings.append(DoctorFinding(.error, "store", error.message, hint: error.hints.first))
        }
        document = Document(findings: findings, store: document.store, usage: document.usage)
        switch format {
        case .json: try Terminal.print(json: document)
        case .text:
            for finding in findings {
                let level = "\(finding.level)".padded(to: 8)
                Terminal.print("\(level)\(finding.subject.padded(to: 17))\(EscapedText.escaped(finding.text))")
                if let hint = finding.hint { Terminal.print("\("".padded(to: 25))hint: \(EscapedText.escaped(hint))") }
            }
            if let usage = document.usage {
                Terminal.print("")
                Terminal.print(usage.table)
            }
        }
        return findings.contains { $0.level == .error } ? .environment : .success
    }
}

/// One thing that `doctor` tells.
struct DoctorFinding: Encodable {
    enum Level: String, Encodable {
        case ok, note, warning
        /// Builds are not possible.
        case error
    }

    let level: Level
    let subject: String
    let text: String
    let hint: String?

    init(_ level: Level, _ subject: String, _ text: String, hint: String? = nil) {
        self.level = level
        self.subject = subject
        self.text = text
        self.hint = hint
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
