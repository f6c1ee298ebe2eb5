/// A variable that a Compose file uses.
public struct TemplateVariable: Sendable, Equatable {
    public let name: String
    /// Whether it has to be set.
    public fileprivate(set) var isRequired = false
    /// What stands for it where it is not set.
    public fileprivate(set) var defaultValue = ""
    /// What stands for it where it is set.
    public fileprivate(set) var alternative = ""

    init(name: String, modifier: Character?, text: String) {
        self.name = name
        switch modifier {
        case "-": defaultValue = text
        case "+": alternative = text
        case "?": isRequired = true
        default: break
        }
    }

    /// The variables of all texts below a node, each once, by name.
    static func all(in node: Node) -> [TemplateVariable] {
        var found: [String: TemplateVariable] = [:]
        func visit(_ node: Node) {
            switch node.kind {
            case .string(let text):
                let template = Template(value: { _ in nil }, looked: { found.take($0) })
                _ = try? template.substitute(text)
            case .list(let nodes): nodes.forEach(visit)
            case .mapping(let mapping): for entry in mapping.entries { visit(entry.value) }
            case .null, .boolean, .integer, .number: break
            }
        }
        visit(node)
        return found.values.sorted { $0.name < $1.name }
    }
}

extension [String: TemplateVariable] {
    /// What one place says of a variable, and another does not.
    fileprivate mutating func take(_ variable: TemplateVariable) {
        var known = self[variable.name] ?? variable
        known.isRequired = known.isRequired || variable.isRequired
        if known.defaultValue.isEmpty { known.defaultValue = variable.defaultValue }
        if known.alternative.isEmpty { known.alternative = variable.alternative }
        self[variable.name] = known
    }
}
