/// Some users or groups of the machine that belong to one of its users.
struct SubordinateRange: Equatable {
    let first: UInt64
    let count: UInt64

    /// Those that a file in the form of subuid(5) gives to a user, of whom these are the name and the number.
    static func all(in text: String, of user: [String]) -> [SubordinateRange] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 3, user.contains(String(fields[0])), let first = UInt64(fields[1]),
                let count = UInt64(fields[2]), count > 0, first + count <= 1 << 32
            else { return nil }
            return SubordinateRange(first: first, count: count)
        }
    }
}
