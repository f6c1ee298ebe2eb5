import BuildService
import TerminalUI

extension BuildInvocation {
    /// Reads a command line in its plainest form, as scripts and most people write it.
    ///
    /// The argument parser looks up some hundred types by reflection, which takes longer than a whole build in which
    /// nothing changed. It remains the one that knows the rules: what is understood here means the same there, and
    /// everything else (other commands, errors, help, rarer options) is left to it.
    ///
    /// - Parameter arguments: As `CommandLineForms` writes them, so that each option has one spelling.
    /// - Returns: `nil` for anything but the plainest form.
    init?(plain arguments: [String]) {
        guard arguments.first == "build" else { return nil }
        self.init(options: BuildOptions(context: ""))
        for argument in arguments.dropFirst() {
            guard argument.utf8.first == UInt8(ascii: "-") else {
                guard options.context.isEmpty, !argument.isEmpty else { return nil }
                options.context = argument
                continue
            }
            switch argument {
            case "--quiet": isQuiet = true
            case "--no-cache": options.ignoresCache = true
            default:
                guard let equals = argument.utf8.firstIndex(of: UInt8(ascii: "=")),
                    set(argument[..<equals], String(argument[argument.index(after: equals)...]))
                else { return nil }
            }
        }
        if options.context.isEmpty { return nil }
    }

    private mutating func set(_ name: Substring, _ value: String) -> Bool {
        guard let first = value.utf8.first, first != UInt8(ascii: "-") else { return false }
        /// Which one counts of several is for the argument parser to say.
        func once(_ option: inout String?) -> Bool {
            guard option == nil else { return false }
            option = value
            return true
        }
        switch name {
        case "--root": return once(&root)
        case "--file": return once(&options.file)
        case "--target": return once(&options.target)
        case "--platform": return once(&options.platform)
        case "--iidfile": return once(&options.idFile)
        case "--network": return once(&options.runs.network)
        case "--tag": options.tags.append(value)
        case "--build-arg": options.buildArguments.append(value)
        case "--label": options.labels.append(value)
        case "--output": options.outputs.append(value)
        case "--secret": options.runs.secrets.append(value)
        case "--ssh": options.runs.agents.append(value)
        case "--add-host": options.runs.hosts.append(value)
        case "--progress":
            guard progress == nil, let known = ProgressMode(rawValue: value) else { return false }
            progress = known
        default: return false
        }
        return true
    }
}
