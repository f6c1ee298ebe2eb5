import ArgumentParser
import CommandSupport
import Formatting
import Glibc
import OCI
import Reporting
import TerminalUI

/// `swiftbuild version`.
struct VersionCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the version of this program.",
        discussion: """
            Fields for --format: .Client.Version, .Client.Os, .Client.Arch; there is no server.

            EXAMPLES:
              swiftbuild version
              swiftbuild version --format '{{.Client.Version}}'
            """
    )

    @Option(
        name: [.customShort("f"), .customLong("format")],
        help: ArgumentHelp("`json`, or a template, for example '{{.Client.Version}}'.", valueName: "format")
    )
    var format: String?

    func run() throws -> ExitStatus {
        let (version, platform) = (SwiftBuild.version, Platform.host)
        let document = JSONValue.object([
            "Client": .object([
                "Version": .string(version), "Os": .string(platform.os), "Arch": .string(platform.architecture),
            ])
        ])
        switch format {
        case nil: Terminal.print("swiftbuild \(version)\nOS/Arch: \(platform)")
        case "json": Terminal.print(String(decoding: try CanonicalJSON.encode(document), as: UTF8.self))
        case let text?:
            Terminal.print(try FormatTemplate(parsing: text).text(document))
        }
        return .success
    }
}
