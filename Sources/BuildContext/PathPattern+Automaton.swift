extension PathPattern {
    /// The positions in a pattern that what was read so far leads to.
    struct State: Sendable, Equatable {
        /// Positions 0 to 63, which is all of nearly every pattern.
        var low: UInt64 = 0
        /// The positions after that; empty for a short pattern.
        var high: [UInt64] = []

        /// Whether nothing that follows can make it match.
        var isDead: Bool { low == 0 && high.allSatisfy { $0 == 0 } }

        func contains(_ position: Int) -> Bool {
            position < 64
                ? low & (1 << UInt64(position)) != 0 : high[position / 64 - 1] & (1 << UInt64(position % 64)) != 0
        }

        mutating func insert(_ position: Int) {
            if position < 64 {
                low |= 1 << UInt64(position)
            } else {
                high[position / 64 - 1] |= 1 << UInt64(position % 64)
            }
        }
    }

    private var empty: State {
        tokens.count < 64 ? State() : State(high: [UInt64](repeating: 0, count: tokens.count / 64))
    }

    /// The state before the first character.
    var start: State {
        var state = empty
        enter(0, &state)
        return state
    }

    /// Whether what was read so far matches as a whole.
    func accepts(_ state: State) -> Bool { state.contains(tokens.count) }

    /// The state after some more bytes, which begin and end between characters.
    func advance(_ state: State, over bytes: UnsafeBufferPointer<UInt8>) -> State {
        var state = state
        var position = 0
        while position < bytes.count, !state.isDead {
            let (scalar, length) = PathText.scalar(bytes, at: position)
            state = advance(state, over: scalar)
            position += length
        }
        return state
    }

    /// The state after one character.
    func advance(_ state: State, over scalar: UInt32) -> State {
        var next = empty
        advance(state.low, first: 0, over: scalar, into: &next)
        for (index, word) in state.high.enumerated() where word != 0 {
            advance(word, first: (index + 1) * 64, over: scalar, into: &next)
        }
        return next
    }

    private func advance(_ word: UInt64, first: Int, over scalar: UInt32, into next: inout State) {
        var remaining = word
        while remaining != 0 {
            let position = first + remaining.trailingZeroBitCount
            remaining &= remaining - 1
            guard position < tokens.count else { continue }
            let isSlash = scalar == UInt32(PathText.slash)
            switch tokens[position] {
            case .scalar(let expected):
                if scalar == expected { enter(position + 1, &next) }
            case .anyScalar:
                if !isSlash { enter(position + 1, &next) }
            case .anyInComponent:
                if !isSlash { enter(position, &next) }
            case .anything:
                enter(position, &next)
            case .anyComponents:
                // Staying inside it does not skip it: only a slash ends it.
                next.insert(position)
                if isSlash { enter(position + 1, &next) }
            case .oneOf(let characters):
                if characters.contains(scalar) { enter(position + 1, &next) }
            }
        }
    }

    /// Adds a position and those after it that can be reached without a character.
    private func enter(_ position: Int, _ state: inout State) {
        var position = position
        while true {
            state.insert(position)
            guard position < tokens.count else { return }
            switch tokens[position] {
            case .anyInComponent, .anything, .anyComponents: position += 1
            case .scalar, .anyScalar, .oneOf: return
            }
        }
    }
}
