import ArgumentParser
import Testing

@testable import Commands

@Suite("The help of each command")
struct HelpTests {
    private static func all(_ command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
        [command] + command.configuration.subcommands.flatMap(all)
    }

    @Test("has examples, which are of that command", arguments: all(SwiftBuild.self).map { $0._commandName })
    func examples(name: String) throws {
        let command = try #require(Self.all(SwiftBuild.self).first { $0._commandName == name })
        let discussion = command.configuration.discussion
        let examples = try #require(discussion.components(behind: "EXAMPLES:\n"), "`\(name)` has no examples")
        #expect(examples.contains("swiftbuild"))
        if name != "swiftbuild", name != "build" { #expect(examples.contains(" \(name)"), "\(examples)") }
        #expect(!command.configuration.abstract.isEmpty)
    }
}

extension String {
    fileprivate func components(behind text: String) -> String? {
        firstRange(of: text).map { String(self[$0.upperBound...]) }
    }
}
