import ArgumentParser
import Testing

@testable import Commands

@Suite("The help of each command")
struct HelpTests {
    private static func all(_ command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
        [command] + command.configuration.subcommands.flatMap(all)
    }

    @Test("has examples, which are of that command")
    func examples() throws {
        for command in Self.all(SwiftBuild.self) {
            let name = command.configuration.commandName ?? ""
            let examples = command.configuration.discussion.components(behind: "EXAMPLES:\n") ?? ""
            let isRoot = ["swiftbuild", "build"].contains(name)
            #expect(examples.contains(isRoot ? "swiftbuild" : " \(name)"), "`\(name)`: \(examples)")
            #expect(!command.configuration.abstract.isEmpty)
        }
    }
}

extension HelpTests {
    @Test("has examples and tables that no terminal of 80 columns breaks")
    func width() {
        for command in Self.all(SwiftBuild.self) {
            for line in command.configuration.discussion.split(separator: "\n") where line.hasPrefix("  ") {
                #expect(line.count < 80, "`\(command.configuration.commandName ?? "")`: \(line)")
            }
        }
    }
}

extension String {
    fileprivate func components(behind text: String) -> String? {
        firstRange(of: text).map { String(self[$0.upperBound...]) }
    }
}
