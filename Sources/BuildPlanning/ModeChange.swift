/// What `--chmod` asks for: an octal mode, or changes in the symbolic form of `chmod(1)`.
public struct ModeChange: Sendable, Hashable {
    private enum Form: Hashable {
        case octal(UInt16)
        case symbolic([Clause])
    }

    /// One `who operator permissions`, such as `go=rX`.
    private struct Clause: Hashable {
        /// Of user, group and others: the permission bits that the clause is about, such as 0o700.
        var who: UInt16 = 0
        var operation: UInt8 = 0
        /// `rwx` as for others, 0 to 7.
        var permissions: UInt16 = 0
        /// `X`: execute only for directories and what somebody can execute already.
        var isConditional = false
        var setsID = false
        var isSticky = false
        /// The class to copy permissions from: shift of `u`, `g` or `o`.
        var copies: UInt16?
    }

    private let form: Form
    /// As it was written.
    public let text: String

    /// Parses `755`, `0644`, `u=rwX,go=rX`, `+x`; `nil` for anything else.
    public init?(_ text: String) {
        self.text = text
        if !text.isEmpty, text.utf8.count <= 5,
            text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) })
        {
            guard let mode = UInt16(text, radix: 8), mode <= 0o7777 else { return nil }
            form = .octal(mode)
            return
        }
        var clauses: [Clause] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let parsed = ModeChange.clauses(Array(part.utf8)) else { return nil }
            clauses += parsed
        }
        form = .symbolic(clauses)
    }

    private static func clauses(_ text: [UInt8]) -> [Clause]? {
        var position = 0
        var who: UInt16 = 0
        while position < text.count, let bits = whoBits(text[position]) {
            who |= bits
            position += 1
        }
        var result: [Clause] = []
        while position < text.count {
            guard [UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "=")].contains(text[position]) else { return nil }
            var clause = Clause(who: who == 0 ? 0o777 : who, operation: text[position])
            position += 1
            while position < text.count,
                ![UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "=")].contains(text[position])
            {
                guard add(text[position], to: &clause) else { return nil }
                position += 1
            }
            result.append(clause)
        }
        return result.isEmpty ? nil : result
    }

    private static func whoBits(_ letter: UInt8) -> UInt16? {
        switch letter {
        case UInt8(ascii: "u"): 0o700
        case UInt8(ascii: "g"): 0o070
        case UInt8(ascii: "o"): 0o007
        case UInt8(ascii: "a"): 0o777
        default: nil
        }
    }

    private static func add(_ letter: UInt8, to clause: inout Clause) -> Bool {
        switch letter {
        case UInt8(ascii: "r"): clause.permissions |= 4
        case UInt8(ascii: "w"): clause.permissions |= 2
        case UInt8(ascii: "x"): clause.permissions |= 1
        case UInt8(ascii: "X"): clause.isConditional = true
        case UInt8(ascii: "s"): clause.setsID = true
        case UInt8(ascii: "t"): clause.isSticky = true
        case UInt8(ascii: "u"): clause.copies = 6
        case UInt8(ascii: "g"): clause.copies = 3
        case UInt8(ascii: "o"): clause.copies = 0
        default: return false
        }
        return true
    }

    /// The permissions that a file with these permissions gets.
    public func applied(to permissions: UInt16, isDirectory: Bool) -> UInt16 {
        switch form {
        case .octal(let mode): return mode
        case .symbolic(let clauses):
            return clauses.reduce(permissions) { ModeChange.applied($1, to: $0, isDirectory: isDirectory) }
        }
    }

    private static func applied(_ clause: Clause, to current: UInt16, isDirectory: Bool) -> UInt16 {
        var granted = clause.permissions
        if clause.isConditional, isDirectory || current & 0o111 != 0 { granted |= 1 }
        if let shift = clause.copies { granted |= current >> shift & 7 }
        var bits = (granted << 6 | granted << 3 | granted) & clause.who
        var special: UInt16 = 0
        if clause.who & 0o700 != 0 { special |= 0o4000 }
        if clause.who & 0o070 != 0 { special |= 0o2000 }
        if clause.setsID { bits |= special }
        // As with chmod(1), the sticky bit belongs to "others".
        let sticky: UInt16 = clause.who & 0o007 != 0 ? 0o1000 : 0
        if clause.isSticky { bits |= sticky }
        switch clause.operation {
        case UInt8(ascii: "+"): return current | bits
        case UInt8(ascii: "-"): return current & ~bits
        // chmod(1) keeps the set-ID bits of directories unless they are named.
        default: return current & ~(clause.who | sticky | (isDirectory ? 0 : special)) | bits
        }
    }
}
