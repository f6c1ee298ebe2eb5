public import Reporting

/// Where the values of a service stand in the files of its project, for what is found wrong only when containers are made.
public struct ServiceSource: Sendable {
    let name: String
    let node: Node

    /// An error at the value that a message is about: the one of which the message repeats most.
    ///
    /// - Parameter keys: Where it may be: `ports`, `deploy.resources.limits.cpus`.
    /// - Returns: `nil` where none of them has what the message names.
    public func error(_ message: String, hints: [String] = [], at keys: [String]) -> DiagnosticsError? {
        let values = keys.compactMap { key in
            key.split(separator: ".").reduce(Optional(node)) { $0?[String($1)] }
        }
        let rated = values.flatMap { ServiceSource.parts(of: $0, in: message) }
        let best = rated.max { $0.0 < $1.0 }.flatMap { $0.0 > 0 ? $0.1 : nil }
        // A message without a value is about the only one.
        let only = message.contains("`") || values.count != 1 ? nil : values[0].place
        guard let place = best ?? only else { return nil }
        let diagnostic = Diagnostic("service `\(name)`: \(message)", at: place.range, hints: hints)
        return DiagnosticsError(source: place.file.text, diagnostics: [diagnostic])
    }

    /// The elements of a value, or the value itself, with how much of a message they are.
    private static func parts(of value: Node, in message: String) -> [(Int, Place)] {
        switch value.kind {
        case .list(let nodes): nodes.map { ($0.length(in: message), $0.place) }
        case .mapping(let mapping): mapping.entries.map { ($0.length(in: message), $0.place) }
        default: [(value.length(in: message), value.place)]
        }
    }
}

extension Node {
    /// How many characters of a text are values of this one.
    fileprivate func length(in text: String) -> Int {
        switch kind {
        case .list(let nodes): nodes.reduce(0) { $0 + $1.length(in: text) }
        case .mapping(let mapping): mapping.entries.reduce(0) { $0 + $1.length(in: text) }
        default:
            // Of `container:NAME` a message may have the name only.
            (scalarText ?? "").split(separator: ":").reduce(0) { $0 + (text.contains($1) ? $1.count : 0) }
        }
    }
}

extension NodeMapping.Entry {
    /// The same of key and value.
    fileprivate func length(in text: String) -> Int {
        (text.contains(key) ? key.count : 0) + value.length(in: text)
    }
}
