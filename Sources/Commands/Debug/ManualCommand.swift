import ArgumentParser
import CommandSupport
import OCI
import Reporting
import TerminalUI

/// `swiftbuild debug manual`: the manual page, as `make install` installs it.
struct DebugManualCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "manual",
        abstract: "Print the manual page of all commands, for man(1).",
        discussion: """
            EXAMPLES:
              swiftbuild debug manual | man -l -
            """
    )

    func run() throws -> ExitStatus {
        Terminal.print(ManualPage(try SwiftBuild.helpDocument()["command"] ?? .null).text)
        return .success
    }
}

/// The page in the language of man(7), made of what the argument parser knows of the commands.
private struct ManualPage {
    private(set) var text: String

    init(_ command: JSONValue) {
        text = ".TH SWIFTBUILD 1 \"\" \"swiftbuild \(SwiftBuild.version)\" \"User Commands\"\n"
        text += ".SH NAME\nswiftbuild \\- \(ManualPage.escaped(command["abstract"]?.string ?? ""))\n"
        text += ".SH SYNOPSIS\n.B swiftbuild\n[\\fIcommand\\fR] [\\fIoptions\\fR] ...\n"
        text += ".SH DESCRIPTION\nWithout a command, \\fBbuild\\fR is meant.\n"
        append(discussion: command["discussion"]?.string ?? "")
        text += ".SH COMMANDS\n"
        append(subcommandsOf: command, "swiftbuild")
        text += ".SH ENVIRONMENT\n"
        for (name, meaning) in [
            ("SWIFTBUILD_ROOT", "the directory of the store"), ("NO_COLOR", "no colours, when it is not empty"),
            ("SWIFTBUILD_NETWORK", "what RUN sees of the network, as \\-\\-network"),
            ("BUILDKIT_PROGRESS", "how builds are shown, as \\-\\-progress"),
            ("DOCKER_DEFAULT_PLATFORM", "the platform where \\-\\-platform is not given"),
            ("SOURCE_DATE_EPOCH", "the time of everything made, in seconds since 1970"),
            ("REGISTRY_AUTH_FILE, DOCKER_CONFIG", "where logins to registries are"),
        ] { text += ".TP\n.B \(name)\n\(meaning)\n" }
        text += ".SH EXIT STATUS\n"
        for (code, meaning) in [
            (ExitStatus.success, "it worked"), (ExitStatus.failure, "the build failed, or something does not exist"),
            (ExitStatus.usage, "usage error"),
            (ExitStatus.environment, "the machine does not allow it"),
            (ExitStatus.notCached, "a step is not in the cache, as \\-\\-expect\\-cached demands"),
            (ExitStatus.limit, "an image exceeds a given limit"),
            (ExitStatus.container, "\\fBrun\\fR could not start a container"), (ExitStatus.interrupted, "interrupted"),
        ] { text += ".TP\n.B \(code.rawValue)\n\(meaning)\n" }
        text.removeLast()
    }

    private mutating func append(subcommandsOf command: JSONValue, _ name: String) {
        for subcommand in command["subcommands"].list where subcommand["shouldDisplay"] != .boolean(false) {
            guard let last = subcommand["commandName"]?.string, last != "help" else { continue }
            append(subcommand, "\(name) \(last)")
            append(subcommandsOf: subcommand, "\(name) \(last)")
        }
    }

    private mutating func append(_ command: JSONValue, _ name: String) {
        text += ".SS \(ManualPage.escaped(name))\n\(ManualPage.escaped(command["abstract"]?.string ?? ""))\n"
        append(discussion: command["discussion"]?.string ?? "")
        for argument in command["arguments"].list where argument["shouldDisplay"] != .boolean(false) {
            let value = argument["valueName"]?.string ?? "value"
            let isPositional = argument["kind"]?.string == "positional"
            let names = argument["names"].list.compactMap { name -> String? in
                guard let text = name["name"]?.string, !["help", "h", "version"].contains(text) else { return nil }
                return (name["kind"]?.string == "long" ? "--" : "-") + text
            }
            guard isPositional || !names.isEmpty else { continue }
            let suffix = argument["kind"]?.string == "option" ? " \\fI\(ManualPage.escaped(value))\\fR" : ""
            let title =
                isPositional
                ? "\\fI\(ManualPage.escaped(value))\\fR"
                : names.map { "\\fB\(ManualPage.escaped($0))\\fR" }.joined(separator: ", ") + suffix
            var meaning = argument["abstract"]?.string ?? ""
            let choices = argument["allValueStrings"].list.compactMap(\.string)
            if !choices.isEmpty, argument["kind"]?.string == "option" {
                meaning += " One of: \(choices.joined(separator: ", "))."
            }
            text += ".TP\n\(title)\n\(ManualPage.escaped(meaning))\n"
        }
    }

    /// Paragraphs, and as they are the lines of examples.
    private mutating func append(discussion: String) {
        guard !discussion.isEmpty else { return }
        text += ".PP\n.nf\n"
        for line in discussion.split(separator: "\n", omittingEmptySubsequences: false) {
            text += ManualPage.escaped(String(line)) + "\n"
        }
        text += ".fi\n"
    }

    /// Text in which nothing is a request or an escape of troff.
    private static func escaped(_ text: String) -> String {
        let escaped = text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
            .replacing("\n", with: "\n\\&")
        return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
    }
}

extension JSONValue? {
    fileprivate var list: [JSONValue] { if case .list(let values)? = self { values } else { [] } }
}
