/// A value as Docker prints it, with keys in order.
indirect enum PrintedValue {
    case null
    case boolean(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case list([PrintedValue])
    case object([(key: String, value: PrintedValue)])

    var isZero: Bool {
        switch self {
        case .null, .boolean(false), .integer(0), .number(0), .string(""): true
        case .list(let list): list.isEmpty
        case .object(let members): members.isEmpty
        default: false
        }
    }

    subscript(key: String) -> PrintedValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }
}

/// Which of the two forms is printed; they differ in what of nothing is left out.
public enum DocumentFormat: String, Sendable, CaseIterable {
    case yaml, json
}

extension PrintedValue {
    /// A value with the keys of the specification in Docker's order, and all others by name.
    init(_ node: Node, _ shape: Shape, _ format: DocumentFormat) {
        switch (node.kind, shape) {
        case (_, .short(_, let full)): self.init(node, full, format)
        case (.mapping, .anyOf(_, let second)): self.init(node, second, format)
        case (.mapping(let mapping), .record(let record)):
            self = .object(Self.members(mapping, record, format))
        case (.mapping(let mapping), _):
            let value: Shape = if case .map(let inner) = shape { inner } else { .anything }
            self = .object(
                mapping.entries.sorted { $0.key < $1.key }
                    .map { ($0.key, PrintedValue($0.value, $0.key.hasPrefix("x-") ? .anything : value, format)) }
            )
        case (.list(let list), .list(let element, _)): self = .list(list.map { PrintedValue($0, element, format) })
        case (.list(let list), _): self = .list(list.map { PrintedValue($0, .anything, format) })
        case (.null, _): self = .null
        case (.boolean(let value), _): self = .boolean(value)
        case (.integer(let value), _): self = .integer(value)
        case (.number(let value), _): self = .number(value)
        case (.string(let text), _): self = .string(text)
        }
    }

    private static func members(
        _ mapping: NodeMapping,
        _ record: Record,
        _ format: DocumentFormat
    ) -> [(key: String, value: PrintedValue)] {
        var members: [(key: String, value: PrintedValue)] = []
        for field in record.fields {
            guard let node = mapping[field.name] else {
                if format == .json, let value = implied(field.name, in: record) { members.append((field.name, value)) }
                continue
            }
            let value = PrintedValue(node, field.shape, format)
            if value.isZero, !isKept(field, value, format) { continue }
            members.append((field.name, value))
        }
        // Docker's JSON has extensions at the top only.
        guard format == .yaml || record === Specification.project else { return members }
        for entry in mapping.entries.sorted(by: { $0.key < $1.key }) where entry.key.hasPrefix("x-") {
            members.append((entry.key, PrintedValue(entry.value, .anything, format)))
        }
        return members
    }

    private static func isKept(_ field: Field, _ value: PrintedValue, _ format: DocumentFormat) -> Bool {
        // A command that is null is none.
        if case .null = value { return format == .json && field.keepsZero }
        if case .record(let record) = field.shape { return record.isKeptEmpty || format == .json }
        if case .short(_, .record(let record)) = field.shape { return record.isKeptEmpty }
        return field.keepsZero || (field.name == "services")
    }

    /// What Docker's JSON has also where nothing is said.
    private static func implied(_ name: String, in record: Record) -> PrintedValue? {
        if record === Specification.service, ["command", "entrypoint"].contains(name) { return .null }
        if record === Specification.watch, name == "exec" { return .object([("command", .null)]) }
        if record === Specification.network, name == "ipam" { return .object([]) }
        if record === Specification.deploy, ["resources", "placement"].contains(name) { return .object([]) }
        return nil
    }
}
