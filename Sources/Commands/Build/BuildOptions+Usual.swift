import TerminalUI

extension BuildOptions {
    /// Reads a command line in its plainest form, as scripts and most people write it.
    ///
    /// The argument parser looks up some hundred types by reflection, which takes longer than a whole build in which
    /// nothing changed. It remains the one that knows the rules: what is understood here means the same there, and
    /// everything else (other commands, errors, help, rarer options and spellings) is left to it.
    ///
    /// - Returns: `nil` for anything but the plainest form.
    init?(usual arguments: [String]) {
        self.init(context: "")
        var rest = arguments[...]
        // A verb may follow it.
        if let first = rest.first, first.hasPrefix("--root") { return nil }
        if rest.first == "build" {
            rest.removeFirst()
        } else if let first = rest.first?.utf8.first, !"-./".utf8.contains(first) {
            return nil
        }
        while let argument = rest.popFirst() {
            guard argument.utf8.first == UInt8(ascii: "-") else {
                guard context.isEmpty, !argument.isEmpty else { return nil }
                context = argument
                continue
            }
            switch argument {
            case "-q", "--quiet":
                guard !isQuiet else { return nil }
                isQuiet = true
            case "--no-cache":
                guard !ignoresCache else { return nil }
                ignoresCache = true
            default:
                guard let (name, value) = BuildOptions.split(argument) ?? rest.popFirst().map({ (argument, $0) }),
                    let first = value.utf8.first, first != UInt8(ascii: "-"), set(name, value)
                else { return nil }
            }
        }
        if context.isEmpty { return nil }
    }

    /// `--name=value` in its parts.
    private static func split(_ argument: String) -> (String, String)? {
        guard argument.hasPrefix("--"), let equals = argument.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        return (String(argument[..<equals]), String(argument[argument.index(after: equals)...]))
    }

    private mutating func set(_ name: String, _ value: String) -> Bool {
        /// Which one counts of several is for the argument parser to say.
        func once(_ option: inout String?) -> Bool {
            guard option == nil else { return false }
            option = value
            return true
        }
        switch name {
        case "--root": return once(&root)
        case "-f", "--file": return once(&file)
        case "--target": return once(&target)
        case "--platform": return once(&platform)
        case "--iidfile": return once(&idFile)
        case "-t", "--tag": tags.append(value)
        case "--build-arg": buildArguments.append(value)
        case "--label": labels.append(value)
        case "-o", "--output": outputs.append(value)
        case "--secret": runs.secrets.append(value)
        case "--ssh": runs.agents.append(value)
        case "--add-host": runs.hosts.append(value)
        case "--network": return once(&runs.network)
        case "--progress":
            guard progress == nil, let known = ProgressMode(rawValue: value) else { return false }
            progress = known
        default: return false
        }
        return true
    }
}
