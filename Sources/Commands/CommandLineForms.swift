/// Forms of the command line that Docker takes and the argument parser does not.
enum CommandLineForms {
    private static let booleans: Set<String> = [
        "rm", "force-rm", "compress", "load", "no-cache", "quiet", "disable-content-trust", "interactive", "tty",
        "force", "all",
    ]

    /// Moves `--root DIR` from before the verb behind it, and writes `--flag=true` as `--flag`.
    static func normalised(_ arguments: [String]) -> [String] {
        var rest = arguments[...]
        var global: [String] = []
        while let first = rest.first {
            if first == "--root", rest.count > 1 {
                global += rest.prefix(2)
                rest = rest.dropFirst(2)
            } else if first.hasPrefix("--root=") {
                global.append(first)
                rest = rest.dropFirst()
            } else {
                break
            }
        }
        var verb = rest.first.map { $0.hasPrefix("-") ? [] : [$0] } ?? []
        if !global.isEmpty, verb.contains(where: SwiftBuild.groups.contains) { verb = Array(rest.prefix(2)) }
        rest = rest.dropFirst(verb.count)
        // What comes behind the image of `run` belongs to the container's command.
        let ours = verb == ["run"] ? rest.prefix { $0.hasPrefix("-") } : rest.prefix { $0 != "--" }
        let isContextOnly = verb.first.map { !SwiftBuild.verbs.contains($0) } ?? false
        let flags = ours.compactMap(flag)
        return isContextOnly
            ? global + verb + flags + rest.dropFirst(ours.count) : verb + global + flags + rest.dropFirst(ours.count)
    }

    /// `--name=true` as `--name`, `--name=false` as nothing.
    private static func flag(_ argument: String) -> String? {
        // Of its values Docker has only that it is given.
        if argument == "--pull" || argument == "--pull=true" { return "--pull=always" }
        if argument == "--pull=false" { return nil }
        guard argument.hasPrefix("--"), let equals = argument.firstIndex(of: "=") else { return argument }
        let name = argument[..<equals].dropFirst(2)
        guard booleans.contains(String(name)) else { return argument }
        switch argument[argument.index(after: equals)...].lowercased() {
        case "true", "1": return String(argument[..<equals])
        case "false", "0": return nil
        default: return argument
        }
    }
}
