internal import ArgumentParser
internal import CommandSupport
internal import Compose
internal import Reporting
internal import TerminalUI

/// `swiftbuild compose version`.
struct ComposeVersionCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the version, and that of Docker Compose whose files and flags these are.",
        discussion: """
            EXAMPLES:
              swiftbuild compose version
              swiftbuild compose version --short
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Option(name: [.customShort("f"), .customLong("format")], help: "pretty or json.")
    var format = VersionFormat.pretty

    @Flag(name: .customLong("short"), help: "Print only the version of Docker Compose.")
    var isShort = false

    func run() -> ExitStatus {
        // Programs ask for it to know what files and flags are understood.
        let version = ProjectLabel.followedVersion
        switch format {
        case _ where isShort: Terminal.print(version)
        case .json: Terminal.print("{\"version\":\"v\(version)\"}")
        case .pretty: Terminal.print("swiftbuild \(ProgramVersion.text), as Docker Compose version v\(version)")
        }
        return .success
    }
}

enum VersionFormat: String, CaseIterable, ExpressibleByArgument {
    case pretty, json
}
