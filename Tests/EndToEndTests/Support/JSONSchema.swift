internal import Foundation
internal import SystemPackage

/// A JSON Schema of the words that our schemas use; any other word is an error, not passed over.
struct JSONSchema {
    private let root: JSON

    init(_ path: FilePath) throws {
        root = try JSONDecoder().decode(JSON.self, from: Data(readFile(path)))
    }

    /// What is wrong with a value; empty for one that is as the schema says.
    func problems(_ value: JSON) -> [String] { problems(value, root, "$") }

    private func problems(_ value: JSON, _ schema: JSON, _ path: String) -> [String] {
        guard case .object(let words) = schema else { return ["\(path): the schema is no object"] }
        return words.flatMap { problems(value, word: $0.key, $0.value, schema, path) }
    }

    private func problems(_ value: JSON, word: String, _ content: JSON, _ schema: JSON, _ path: String) -> [String] {
        func check(_ isRight: Bool) -> [String] {
            isRight ? [] : ["\(path): \(word) \(content) is not true of \(value)"]
        }
        switch word {
        case "$schema", "$defs", "title", "description": return []
        case "$ref":
            guard let name = content.text?.split(separator: "/").last else { return ["\(path): a wrong $ref"] }
            return problems(value, root["$defs"][String(name)], path)
        case "const": return check(value == content)
        case "enum": return check(content.elements.contains(value))
        case "type": return check(value.isOfType(content.text ?? ""))
        case "minimum":
            guard case .number(let number) = value, case .number(let least) = content else { return check(false) }
            return check(number >= least)
        case "minItems": return check(value.elements.count >= content.integer ?? 0)
        case "pattern":
            return check(value.text?.range(of: content.text ?? "", options: .regularExpression) != nil)
        case "items":
            return value.elements.enumerated().flatMap { problems($0.element, content, "\(path)[\($0.offset)]") }
        case "required":
            return content.strings.filter { !value.keys.contains($0) }.map { "\(path): `\($0)` is missing" }
        case "properties":
            return content.keys.intersection(value.keys).flatMap { problems(value[$0], content[$0], "\(path).\($0)") }
        case "additionalProperties" where content == .boolean(false):
            return value.keys.subtracting(schema["properties"].keys).map { "\(path): `\($0)` is not in the schema" }
        case "oneOf":
            let all = content.elements.map { problems(value, $0, path) }
            if all.count(where: \.isEmpty) == 1 { return [] }
            // The one that is meant says what is wrong.
            return ["\(path): not exactly one of oneOf"] + (all.min { $0.count < $1.count } ?? [])
        default: return ["\(path): the schema has the unknown word \(word)"]
        }
    }
}

extension JSON {
    fileprivate func isOfType(_ name: String) -> Bool {
        switch (self, name) {
        case (.null, "null"), (.boolean, "boolean"), (.number, "number"), (.string, "string"), (.array, "array"),
            (.object, "object"):
            true
        case (.number(let number), "integer"): number == number.rounded()
        default: false
        }
    }
}
