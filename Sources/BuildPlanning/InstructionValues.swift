import Reporting

/// Paths inside an image, as text.
enum ImagePath {
    /// Makes a path absolute against a directory, and cleans `.`, `..` and repeated slashes.
    static func join(_ directory: String, _ path: String) -> String {
        let whole = path.hasPrefix("/") ? path : directory + "/" + path
        return "/" + components(whole).joined(separator: "/")
    }

    /// Cleans a path that stays relative if it is.
    static func clean(_ path: String) -> String {
        path.hasPrefix("/") ? join("/", path) : components(path).joined(separator: "/")
    }

    /// The last component of a path.
    static func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? "" }

    private static func components(_ path: String) -> [Substring] {
        var components: [Substring] = []
        for component in path.split(separator: "/") where component != "." {
            if component == ".." {
                if !components.isEmpty { components.removeLast() }
            } else {
                components.append(component)
            }
        }
        return components
    }
}

/// The signals that `STOPSIGNAL` may name.
enum StopSignal {
    private static let names: Set<String> = [
        "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
        "PROF", "PWR", "QUIT", "RTMIN", "RTMAX", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN",
        "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
    ]

    private static func bare(_ text: String) -> String {
        let upper = text.uppercased()
        return upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
    }

    static func isValid(_ text: String) -> Bool {
        if let number = Int(text) { return (1...64).contains(number) }
        let name = bare(text)
        if names.contains(name) { return true }
        if name.hasPrefix("RTMIN+"), let offset = Int(name.dropFirst(6)) { return (1...15).contains(offset) }
        if name.hasPrefix("RTMAX-"), let offset = Int(name.dropFirst(6)) { return (1...14).contains(offset) }
        return false
    }

    static func suggestion(for text: String) -> String? {
        SpellingSuggestion.closest(to: bare(text), in: names.sorted()).map { "SIG" + $0 }
    }
}
