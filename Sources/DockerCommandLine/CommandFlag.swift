/// A flag of a command: how it is typed, and what becomes of it here.
struct CommandFlag: Sendable {
    enum Value: Sendable, Equatable {
        /// A switch: `--push`, also `--push=false`.
        case none
        /// A switch that is on until it is switched off.
        case on
        case required
        /// A value of which this one is meant where there is none: `--pull` is `--pull=always`.
        case implied(String)
    }

    enum Support: Sendable, Equatable {
        case same
        /// What is different here, or what Docker does not have.
        case different(String)
        /// Accepted, and nothing becomes of it, for this reason.
        case ignored(String)
        /// Refused, for this reason.
        case missing(String)
        /// Docker has no such flag.
        case own
    }

    /// Empty for one that is only a letter.
    let name: String
    let letter: Character?
    let value: Value
    let support: Support

    static func toggle(_ name: String, _ letter: Character? = nil, _ support: Support = .same) -> CommandFlag {
        CommandFlag(name: name, letter: letter, value: .none, support: support)
    }

    /// A switch that is on until it is switched off.
    static func on(_ name: String, _ letter: Character? = nil) -> CommandFlag {
        CommandFlag(name: name, letter: letter, value: .on, support: .same)
    }

    static func option(_ name: String, _ letter: Character? = nil, _ support: Support = .same) -> CommandFlag {
        CommandFlag(name: name, letter: letter, value: .required, support: support)
    }

    static func option(_ name: String, implying value: String, _ support: Support) -> CommandFlag {
        CommandFlag(name: name, letter: nil, value: .implied(value), support: support)
    }

    /// As it is written in its longer form.
    var text: String { name.isEmpty ? "-\(letter.map(String.init) ?? "")" : "--\(name)" }

    /// Whether the argument parser gets to see it.
    var isParsed: Bool {
        switch support {
        case .same, .different, .own: true
        case .ignored, .missing: false
        }
    }
}
