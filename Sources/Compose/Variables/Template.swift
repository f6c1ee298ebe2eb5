/// Text with variables: `$V`, `${V}`, `${V:-default}`, `${V-default}`, `${V:?message}`, `${V?message}`,
/// `${V:+other}`, `${V+other}`, and `$$` for a dollar (Compose specification, "Interpolation").
///
/// What stands behind a modifier is such a text again. Any other `$` is a dollar.
struct Template {
    enum Failure: Error, Equatable {
        /// What begins with `${` is not one of the forms.
        case invalid(String)
        case missing(name: String, message: String)
        case tooDeep
    }

    /// The value of a variable; `nil` where it is not set.
    let value: (String) -> String?
    /// Told of each variable that is not set and has no default.
    var unset: (String) -> Void = { _ in }
    /// Told of each variable with its modifier, where only that is wanted: then none has to be set.
    var looked: ((TemplateVariable) -> Void)?

    private static let deepest = 32

    func substitute(_ text: String) throws(Failure) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        return String(decoding: try substitute(Array(text.utf8)[...], depth: 0), as: UTF8.self)
    }

    private func substitute(_ text: ArraySlice<UInt8>, depth: Int) throws(Failure) -> [UInt8] {
        guard depth < Self.deepest else { throw .tooDeep }
        var result: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "$"), let next = rest.first else {
                result.append(byte)
                continue
            }
            if next == UInt8(ascii: "$") {
                rest.removeFirst()
                result.append(byte)
            } else if next == UInt8(ascii: "{") {
                guard let end = Self.closingBrace(rest) else { throw .invalid(Self.text([byte] + rest)) }
                let inner = rest[(rest.startIndex + 1)..<end]
                rest = rest[(end + 1)...]
                result += try braced(inner, depth: depth)
            } else if next.beginsName {
                let name = rest.prefix { $0.beginsName || $0.isDigit }
                rest = rest[name.endIndex...]
                result += valueOrNothing(Self.text(name))
            } else {
                result.append(byte)
            }
        }
        return result
    }

    /// What is between the braces.
    private func braced(_ text: ArraySlice<UInt8>, depth: Int) throws(Failure) -> [UInt8] {
        let name = text.prefix { $0.beginsName || $0.isDigit }
        guard let first = name.first, first.beginsName else { throw .invalid("${\(Self.text(text))}") }
        var rest = text[name.endIndex...]
        let variable = Self.text(name)
        if rest.isEmpty { return valueOrNothing(variable) }
        let countsEmpty = rest.first == UInt8(ascii: ":")
        if countsEmpty { rest.removeFirst() }
        guard let modifier = rest.popFirst() else { throw .invalid("${\(Self.text(text))}") }
        if let looked {
            let modifier = Character(Unicode.Scalar(modifier))
            looked(TemplateVariable(name: variable, modifier: modifier, text: Self.text(rest)))
            return try substitute(rest, depth: depth + 1)
        }
        let current = value(variable)
        let isGiven = current.map { !countsEmpty || !$0.isEmpty } ?? false
        switch modifier {
        case UInt8(ascii: "-"): return isGiven ? Array((current ?? "").utf8) : try substitute(rest, depth: depth + 1)
        case UInt8(ascii: "+"): return isGiven ? try substitute(rest, depth: depth + 1) : Array((current ?? "").utf8)
        case UInt8(ascii: "?"):
            if isGiven { return Array((current ?? "").utf8) }
            throw .missing(name: variable, message: Self.text(try substitute(rest, depth: depth + 1)[...]))
        default: throw .invalid("${\(Self.text(text))}")
        }
    }

    private func valueOrNothing(_ name: String) -> [UInt8] {
        looked?(TemplateVariable(name: name, modifier: nil, text: ""))
        guard let value = value(name) else {
            unset(name)
            return []
        }
        return Array(value.utf8)
    }

    /// Where the brace that begins a slice ends: braces count by pairs, also those that begin no variable, as in Docker.
    private static func closingBrace(_ text: ArraySlice<UInt8>) -> Int? {
        var depth = 0
        for (index, byte) in zip(text.indices, text) {
            if byte == UInt8(ascii: "{") { depth += 1 }
            if byte == UInt8(ascii: "}") {
                depth -= 1
                if depth == 0 { return index }
            }
        }
        return nil
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}
