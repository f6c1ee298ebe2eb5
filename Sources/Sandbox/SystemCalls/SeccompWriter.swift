internal import CSandbox

/// Writes a filter program from its end to its beginning, so that every jump goes to what is there already.
///
/// A place is the number of instructions from it to the end of the program.
struct SeccompWriter {
    /// Conditions that all have to hold, and what happens then.
    struct Alternative {
        let conditions: [SeccompProfile.Condition]
        let result: UInt32
    }

    private var reversed: [sb_filter] = []

    /// The program from its beginning.
    var instructions: [sb_filter] { reversed.reversed() }

    private mutating func append(_ code: UInt16, _ k: UInt32, _ yes: Int = 0, _ no: Int = 0) -> Int {
        reversed.append(sb_filter(code: code, jt: UInt8(yes), jf: UInt8(no), k: k))
        return reversed.count
    }

    /// Ends the program with a verdict.
    mutating func emit(result: UInt32) -> Int { append(0x06, result) }

    /// Loads a word of what the kernel says of the call, and jumps to a place.
    mutating func emit(load offset: UInt32, then next: Int) -> Int {
        jump(to: next)
        return append(0x20, offset)
    }

    mutating func emit(ifNumberAtLeast value: UInt32, _ yes: Int, else no: Int) -> Int {
        branch(0x35, value, yes, no)
    }

    mutating func emit(ifArchitecture value: UInt32, _ yes: Int, else no: Int) -> Int {
        branch(0x15, value, yes, no)
    }

    /// Tries alternatives one after the other.
    mutating func emit(_ alternatives: [Alternative], otherwise: UInt32) -> Int {
        var next = emit(result: otherwise)
        for alternative in alternatives.reversed() {
            var met = emit(result: alternative.result)
            for condition in alternative.conditions.reversed() { met = emit(condition, met, else: next) }
            next = met
        }
        return next
    }

    /// Compares all 64 bits of an argument, the upper half first.
    private mutating func emit(_ condition: SeccompProfile.Condition, _ yes: Int, else no: Int) -> Int {
        let (value, other) = (condition.value, condition.valueTwo ?? 0)
        switch condition.op {
        case .equal: return equal(condition.index, .max, value, yes, no)
        case .notEqual: return equal(condition.index, .max, value, no, yes)
        case .maskedEqual: return equal(condition.index, value, other, yes, no)
        case .greater: return above(condition.index, 0x25, value, yes, no)
        case .greaterOrEqual: return above(condition.index, 0x35, value, yes, no)
        case .lessOrEqual: return above(condition.index, 0x25, value, no, yes)
        case .less: return above(condition.index, 0x35, value, no, yes)
        }
    }

    private mutating func equal(_ index: Int, _ mask: UInt64, _ value: UInt64, _ yes: Int, _ no: Int) -> Int {
        var place = yes
        for (isUpper, shift) in [(false, UInt64(0)), (true, 32)] {
            let (part, wanted) = (UInt32(truncatingIfNeeded: mask >> shift), UInt32(truncatingIfNeeded: value >> shift))
            place = branch(0x15, wanted, place, no)
            if part != .max { place = append(0x54, part) }
            place = load(index, isUpper: isUpper)
        }
        return place
    }

    private mutating func above(_ index: Int, _ code: UInt16, _ value: UInt64, _ yes: Int, _ no: Int) -> Int {
        var place = branch(code, UInt32(truncatingIfNeeded: value), yes, no)
        place = load(index, isUpper: false)
        let upper = UInt32(truncatingIfNeeded: value >> 32)
        place = branch(0x15, upper, place, no)
        place = branch(0x25, upper, yes, place)
        return load(index, isUpper: true)
    }

    /// Half of an argument: they begin behind the number, the architecture and the instruction's address.
    private mutating func load(_ index: Int, isUpper: Bool) -> Int {
        #if _endian(little)
            let half: UInt32 = isUpper ? 4 : 0
        #else
            let half: UInt32 = isUpper ? 0 : 4
        #endif
        return append(0x20, 16 + 8 * UInt32(index) + half)
    }

    /// A comparison, with steps in between where a place is farther away than a byte says.
    private mutating func branch(_ code: UInt16, _ value: UInt32, _ yes: Int, _ no: Int) -> Int {
        var (yes, no) = (yes, no)
        // Up to two steps come between.
        if reversed.count + 2 - yes > 255 { yes = append(0x05, UInt32(reversed.count - yes)) }
        if reversed.count + 1 - no > 255 { no = append(0x05, UInt32(reversed.count - no)) }
        return append(code, value, reversed.count - yes, reversed.count - no)
    }

    private mutating func jump(to place: Int) {
        if place != reversed.count { _ = append(0x05, UInt32(reversed.count - place)) }
    }
}
