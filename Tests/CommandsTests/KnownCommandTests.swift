import ArgumentParser
import Foundation
import OCI
import Testing

@testable import Commands
@testable import DockerCommandLine

@Suite("The tables of flags")
struct KnownCommandTests {
    private struct Flag: Hashable {
        let text: String
        let letter: String?
        let takesValue: Bool
    }

    /// What the argument parser knows, by command.
    private func parsed() throws -> [String: Set<Flag>] {
        let help = try SwiftBuild.helpDocument()
        var result: [String: Set<Flag>] = [:]
        func visit(_ command: JSONValue, _ path: [String]) {
            var flags: Set<Flag> = []
            for argument in list(command["arguments"]) where argument["kind"]?.string != "positional" {
                var names = list(argument["names"]).compactMap { name in
                    name["name"]?.string.map { (isLong: name["kind"]?.string == "long", text: $0) }
                }
                names.removeAll { ["help", "version"].contains($0.text) }
                let letter = names.first { !$0.isLong }?.text
                let takesValue = argument["kind"]?.string == "option"
                for name in names where name.isLong {
                    flags.insert(Flag(text: "--" + name.text, letter: letter, takesValue: takesValue))
                }
                if let letter, !names.contains(where: \.isLong), letter != "h" {
                    flags.insert(Flag(text: "-" + letter, letter: letter, takesValue: takesValue))
                }
            }
            result[path.joined(separator: " ")] = flags
            for inner in list(command["subcommands"]) { visit(inner, path + [inner["commandName"]?.string ?? ""]) }
        }
        visit(help["command"] ?? .null, [])
        return result
    }

    private func list(_ value: JSONValue?) -> [JSONValue] { if case .list(let values)? = value { values } else { [] } }

    @Test("have what the argument parser takes, and nothing else")
    func argumentParser() throws {
        let parsed = try parsed()
        for command in KnownCommand.all {
            let known = command.flags.filter(\.isParsed).map { flag in
                Flag(
                    text: flag.text,
                    letter: flag.letter.map(String.init),
                    takesValue: flag.value != .none && flag.value != .on
                )
            }
            let flags = try #require(parsed[command.name], "\(command.name)")
            // What is on is switched off by `--name=false`.
            let off = command.flags.filter { $0.value == .on }.map { "--no-" + $0.name }
            #expect(Set(known).symmetricDifference(flags.filter { !off.contains($0.text) }) == [], "\(command.name)")
            #expect(Set(command.flags.map(\.text)).count == command.flags.count, "\(command.name)")
            let letters = command.flags.compactMap(\.letter)
            #expect(Set(letters).count == letters.count, "\(command.name)")
        }
        let leaves = parsed.keys.filter { name in
            !["", "help"].contains(name) && !parsed.keys.contains { $0.hasPrefix(name + " ") }
        }
        #expect(Set(leaves) == Set(KnownCommand.names))
    }

    @Test("name commands that exist")
    func commands() {
        for command in DockerCommand.all {
            guard case .command(let name) = command.counterpart else { continue }
            let words = name.split(separator: " ").filter { !$0.hasPrefix("-") }.joined(separator: " ")
            #expect((KnownCommand.names + KnownCommand.groups).contains(words), "\(command.words)")
        }
    }

    @Test("are what the document about compatibility says")
    func document() throws {
        let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let document = try String(
            contentsOf: repository.appending(path: "docs/docker-compatibility.md"),
            encoding: .utf8
        )
        #expect(document == CompatibilityDocument.text, "run `swiftbuild debug compatibility`")
    }
}
