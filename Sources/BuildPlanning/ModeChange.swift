/// What `--chmod` asks for: an octal mode, or changes in the symbolic form of `chmod(1)`.
///
/// Where systems differ, the symbolic form means what it means on the BSDs, as in BuildKit: `=` clears the set-ID bits of
/// the classes that it names, of directories too, and the sticky bit stays unless `t` is there.
public struct ModeChange: Sendable, Hashable {
    private enum Form: Hashable {
        case octal(UInt16)
        case symbolic([Change])
    }

    /// One thing that is done to permissions.
    private enum Change: Hashable {
        case add(UInt16)
        case remove(UInt16)
        /// `X`: only of directories and what somebody could execute before.
        case addIfExecutable(UInt16)
        /// Copies the permissions of one class, given by its shift, to those given by their bits.
        case copy(from: UInt16, to: UInt16, UInt8)
    }

    private static let setID: UInt16 = 0o6000
    private static let sticky: UInt16 = 0o1000
    private static let operators = [UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "=")]

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
        var changes: [Change] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let parsed = ModeChange.changes(Array(part.utf8)) else { return nil }
            changes += parsed
        }
        form = .symbolic(changes)
    }

    /// Reads one clause, such as `go=rX`, with one or several operators.
    private static func changes(_ text: [UInt8]) -> [Change]? {
        var rest = text[...]
        var who: UInt16 = 0
        while let letter = rest.first, let bits = whoBits(letter) {
            who |= bits
            rest = rest.dropFirst()
        }
        // Without an operator it says nothing; with one it may still come to nothing, as `o+t` does.
        guard !rest.isEmpty else { return nil }
        var result: [Change] = []
        while let operation = rest.first {
            guard operators.contains(operation) else { return nil }
            let letters = rest.dropFirst().prefix { !operators.contains($0) }
            guard let changes = changes(who, operation, letters) else { return nil }
            result += changes
            rest = rest.dropFirst(letters.count + 1)
        }
        return result
    }

    private static func whoBits(_ letter: UInt8) -> UInt16? {
        switch letter {
        case UInt8(ascii: "u"): 0o4700
        case UInt8(ascii: "g"): 0o2070
        case UInt8(ascii: "o"): 0o007
        case UInt8(ascii: "a"): 0o6777
        default: nil
        }
    }

    /// What one operator with its letters does.
    private static func changes(_ who: UInt16, _ operation: UInt8, _ letters: ArraySlice<UInt8>) -> [Change]? {
        var who = who
        // Set-ID and sticky bits mean nothing to "others" alone.
        let mayBeSpecial = who == 0 || who & ~0o007 != 0
        var result: [Change] = []
        var permissions: UInt16 = 0
        var isConditional = false
        var isSet = false
        func limited(_ bits: UInt16) -> UInt16 { who == 0 ? bits : who & bits }
        func flush(isLast: Bool) {
            if permissions != 0 || isLast && operation == UInt8(ascii: "=") && !isSet {
                if operation == UInt8(ascii: "=") { result.append(.remove(who == 0 ? 0o6777 : who)) }
                result.append(
                    operation == UInt8(ascii: "-") ? .remove(limited(permissions)) : .add(limited(permissions))
                )
            }
            if isConditional { result.append(.addIfExecutable(limited(0o111))) }
            (permissions, isConditional) = (0, false)
        }
        for letter in letters {
            switch letter {
            case UInt8(ascii: "r"): permissions |= 0o444
            case UInt8(ascii: "w"): permissions |= 0o222
            case UInt8(ascii: "x"): permissions |= 0o111
            case UInt8(ascii: "X") where operation == UInt8(ascii: "-"): permissions |= 0o111
            case UInt8(ascii: "X"): isConditional = true
            case UInt8(ascii: "s"): if mayBeSpecial { permissions |= setID }
            case UInt8(ascii: "t"):
                if mayBeSpecial {
                    who |= sticky
                    permissions |= sticky
                }
            case UInt8(ascii: "u"), UInt8(ascii: "g"), UInt8(ascii: "o"):
                flush(isLast: false)
                isSet = true
                let shift: UInt16 = letter == UInt8(ascii: "u") ? 6 : letter == UInt8(ascii: "g") ? 3 : 0
                result.append(.copy(from: shift, to: who & 0o777 == 0 ? 0o777 : who & 0o777, operation))
            default: return nil
            }
        }
        flush(isLast: true)
        return result
    }

    /// The permissions of a directory that is made on the way to what is copied.
    ///
    /// A symbolic mode changes what is there, and set-ID and sticky bits are not meant for such directories (BuildKit).
    public var ofNewDirectory: UInt16 {
        if case .octal(let mode) = form { mode & 0o777 } else { 0o755 }
    }

    /// The permissions that a file with these permissions gets.
    public func applied(to permissions: UInt16, isDirectory: Bool) -> UInt16 {
        switch form {
        case .octal(let mode): return mode
        case .symbolic(let changes):
            let isExecutable = isDirectory || permissions & 0o111 != 0
            return changes.reduce(permissions) { current, change in
                switch change {
                case .add(let bits): current | bits
                case .remove(let bits): current & ~bits
                case .addIfExecutable(let bits): isExecutable ? current | bits : current
                case .copy(let shift, let classes, let operation):
                    ModeChange.copied(current, from: shift, to: classes, operation)
                }
            }
        }
    }

    private static func copied(_ current: UInt16, from shift: UInt16, to classes: UInt16, _ operation: UInt8) -> UInt16
    {
        let value = current >> shift & 7
        let bits = (value << 6 | value << 3 | value) & classes
        switch operation {
        case UInt8(ascii: "+"): return current | bits
        case UInt8(ascii: "-"): return current & ~bits
        default: return current & ~classes | bits
        }
    }
}
