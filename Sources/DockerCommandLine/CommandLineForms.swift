internal import FileSystem
internal import Reporting
internal import SystemPackage

/// A command line as Docker's client reads it, in the one form that the argument parser reads in the same way.
///
/// Its flags are `pflag`'s: a value may be attached to its letter (`-tname`, `-t=name`), letters may be joined (`-it`),
/// a switch may have a value (`--push=false`), of which the last one counts, and whatever follows a flag that needs a
/// value is that value.
public enum CommandLineForms {
    /// What the argument parser answers itself.
    private static let passedOn: Set<String> = ["--help", "-h", "--version", "--experimental-dump-help"]

    /// Rewrites a command line: the verb first, long names, values attached.
    ///
    /// - Throws: `UserError` for an unknown command or flag, and for one that is not supported.
    public static func normalised(_ arguments: [String]) throws -> [String] {
        let (global, rest) = split(arguments)
        var words = ["build"]
        var flags = rest
        guard let first = rest.first else { return global }
        if first == "-v" { return ["--version"] }
        if passedOn.contains(first) || first.hasPrefix("--generate-completion-script") || first.hasPrefix("---") {
            return Array(rest)
        }
        if first == "help" { return try help(rest) }
        if isOnlyContext(first) {
            // The usual form, for which no other command is looked at.
        } else if first == "compose" {
            let (command, found) = try compose(rest.dropFirst())
            guard let command else { return [first] + global + found }
            guard !command.hasPrefix("-") else { return [first, command] }
            words = [first, command == "convert" ? "config" : command]
            guard KnownCommand.names.contains(words.joined(separator: " ")) else {
                throw UserError.unknownCommand(words)
            }
            flags = found[...]
        } else if let alias = alias(rest.prefix(2)) {
            words = alias.filter { !$0.hasPrefix("-") }
            flags = alias.filter { $0.hasPrefix("-") } + rest.dropFirst(2)
        } else if KnownCommand.named(first) != nil {
            // Most commands are one word; the list of all of them takes long to make.
            words = [first]
            flags = rest.dropFirst()
        } else if KnownCommand.groups.contains(first) {
            words = Array(rest.prefix(2))
            if words.count == 2, !words[1].hasPrefix("-"), !KnownCommand.names.contains(words.joined(separator: " ")) {
                throw UserError.unknownCommand(words)
            }
            flags = rest.dropFirst(words.count)
        } else if !isContext(first) {
            throw UserError.unknownCommand(rest.prefix { !$0.hasPrefix("-") })
        }
        // Not joined where there is one: that takes the runtime as long as the rest of the command line.
        let name = words.count == 1 ? words[0] : words.joined(separator: " ")
        guard let command = KnownCommand.named(name) else { return words + global + flags }
        var reader = FlagReader(command)
        try reader.read(flags)
        return reader.request ?? words + global + reader.arguments
    }

    /// What two words of Docker's are here, in the groups whose other names are understood.
    private static func alias(_ words: some Collection<String>) -> [String]? {
        guard words.count == 2, let group = words.first, aliased.contains(group) else { return nil }
        return DockerCommand.counterpart(of: words).map { $0.split(separator: " ").map(String.init) }
    }

    private static let aliased: Set<String> = ["container", "image", "network", "volume", "system"]

    /// The first word.
    public static func verb(of arguments: [String]) -> String? { split(arguments).rest.first }

    /// What may stand before the verb, and the rest.
    private static func split(_ arguments: [String]) -> (global: [String], rest: ArraySlice<String>) {
        var rest = arguments[...]
        var global: [String] = []
        while let first = rest.first {
            if first == "--root", rest.count > 1 {
                global.append("--root=\(rest[rest.startIndex + 1])")
                rest = rest.dropFirst(2)
            } else if first.hasPrefix("--root=") {
                global.append(first)
                rest = rest.dropFirst()
            } else {
                break
            }
        }
        return (global, rest)
    }

    /// Whether the first word of a command line, if not a command, can be a build context.
    private static func isContext(_ word: String) -> Bool {
        isOnlyContext(word) || FileStatus.ifPresent(FilePath(word)) != nil
    }

    /// Whether a word can be a build context or a flag, and nothing else.
    private static func isOnlyContext(_ word: String) -> Bool {
        // Addresses have a slash or a colon, and so have paths that are mistyped.
        word.isEmpty || "-.".contains(word.prefix(1)) || word.contains("/") || word.contains(":")
    }

    private static func help(_ arguments: ArraySlice<String>) throws -> [String] {
        let words = arguments.dropFirst().filter { !$0.hasPrefix("-") }
        guard let first = words.first else { return Array(arguments) }
        guard KnownCommand.verbs.contains(first),
            words.count == 1 || KnownCommand.names.contains(words.joined(separator: " "))
        else { throw UserError.unknownCommand(words) }
        return Array(arguments)
    }
}

/// Reads what follows the verb.
private struct FlagReader {
    private let command: KnownCommand
    private(set) var arguments: [String] = []
    /// The whole command line instead, where help was asked for.
    private(set) var request: [String]?

    init(_ command: KnownCommand) { self.command = command }

    mutating func read(_ all: ArraySlice<String>) throws {
        var rest = all
        while request == nil, let argument = rest.popFirst() {
            if argument == "--" { return readLast(rest) }
            if argument.hasPrefix("--") {
                try readLong(argument.dropFirst(2), &rest)
            } else if argument.hasPrefix("-"), argument != "-" {
                try readLetters(argument.dropFirst(), &rest)
            } else {
                if command.foreign == .all { return readLast([argument] + rest) }
                arguments.append(argument)
                if command.foreign == .behindFirst { return arguments += rest }
            }
        }
    }

    /// Arguments that are no flags, whatever they look like.
    private mutating func readLast(_ rest: ArraySlice<String>) {
        arguments += (command.foreign == .behindFirst ? [] : ["--"]) + rest
    }

    private mutating func readLong(_ text: Substring, _ rest: inout ArraySlice<String>) throws {
        let name = text.prefix { $0 != "=" }
        let value = name.endIndex < text.endIndex ? String(text[text.index(after: name.endIndex)...]) : nil
        guard let flag = command.flag(named: name) else {
            switch name {
            case "help": request = ["help"] + command.name.split(separator: " ").map(String.init)
            case "version": request = ["--version"]
            default: throw unknown("--\(name)")
            }
            return
        }
        if flag.value == .required, value == nil {
            guard let next = rest.popFirst() else { throw withoutValue("--\(name)") }
            return try set(flag, "--\(name)", next)
        }
        try set(flag, "--\(name)", value)
    }

    private mutating func readLetters(_ text: Substring, _ rest: inout ArraySlice<String>) throws {
        var letters = text
        while let letter = letters.popFirst() {
            guard let flag = command.flag(letter: letter) else {
                guard letter == "h" else { throw unknown("-\(letter)") }
                request = ["help"] + command.name.split(separator: " ").map(String.init)
                return
            }
            if letters.first == "=", letters.count > 1 {
                return try set(flag, "-\(letter)", String(letters.dropFirst()))
            }
            guard flag.value == .required else {
                try set(flag, "-\(letter)", nil)
                continue
            }
            guard let value = letters.isEmpty ? rest.popFirst() : String(letters) else {
                throw withoutValue("-\(letter)")
            }
            return try set(flag, "-\(letter)", value)
        }
    }

    private mutating func set(_ flag: CommandFlag, _ typed: String, _ value: String?) throws {
        switch flag.support {
        case .missing(let reason):
            // One that is switched off asks for nothing.
            if flag.value == .none, value.flatMap(FlagReader.boolean) == false { return }
            throw UserError("\(command.name): `\(typed)` is not supported: \(reason)", status: .usage)
        case .ignored:
            if flag.value != .required { _ = try isOn(typed, value) }
            return
        case .same, .different, .own: break
        }
        let text = flag.text
        switch flag.value {
        case .required: arguments.append("\(text)=\(value ?? "")")
        case .none:
            arguments.removeAll { $0 == text }
            if try isOn(typed, value) { arguments.append(text) }
        case .on:
            let off = "--no-\(flag.name)"
            arguments.removeAll { $0 == off }
            if try !isOn(typed, value) { arguments.append(off) }
        case .implied(let implied):
            arguments.removeAll { $0.hasPrefix(text + "=") }
            switch value.map({ FlagReader.boolean($0) }) {
            case nil, true??: arguments.append("\(text)=\(implied)")
            case false??: break
            case nil?: arguments.append("\(text)=\(value ?? "")")
            }
        }
    }

    private func isOn(_ typed: String, _ value: String?) throws -> Bool {
        guard let value else { return true }
        guard let isOn = FlagReader.boolean(value) else {
            throw UserError(
                "\(command.name): `\(typed)` takes true or false, not `\(value)`",
                status: .usage
            )
        }
        return isOn
    }

    /// As Go's `strconv.ParseBool` reads it.
    private static func boolean(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }

    private func withoutValue(_ typed: String) -> UserError {
        UserError(
            "\(command.name): `\(typed)` needs a value",
            hints: ["`swiftbuild \(command.name) --help` describes it"],
            status: .usage
        )
    }

    private func unknown(_ typed: String) -> UserError {
        let known = command.flags.filter(\.isParsed).map(\.text)
        let nearest =
            typed.hasPrefix("--") ? SpellingSuggestion.closest(to: String(typed.dropFirst(2)), in: names(known)) : nil
        return UserError(
            "\(command.name): unknown flag `\(typed)`" + (nearest.map { "; did you mean `--\($0)`?" } ?? ""),
            hints: ["`swiftbuild \(command.name) --help` lists the flags"],
            status: .usage
        )
    }

    private func names(_ flags: [String]) -> [String] {
        flags.filter { $0.hasPrefix("--") }.map { String($0.dropFirst(2)) }
    }
}
