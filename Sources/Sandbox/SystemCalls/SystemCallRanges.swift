internal import Glibc

/// What becomes of which numbers of one architecture.
struct SystemCallRanges {
    /// What a rule says of one call.
    private struct Entry {
        let number: UInt32
        let result: UInt32
        let conditions: [SeccompProfile.Condition]
    }

    /// What becomes of the numbers from one on.
    private struct Piece {
        let first: UInt32
        /// Where there are alternatives, what holds if none does.
        let result: UInt32
        var alternatives: [SeccompWriter.Alternative] = []
    }

    private let fallback: UInt32
    private var entries: [Entry] = []
    private var unknown: [(first: UInt32, end: UInt32)] = []

    init(fallback: UInt32) {
        self.fallback = fallback
        entries.reserveCapacity(1024)
    }

    /// A rule without conditions holds whatever others say; among equals the first one does.
    mutating func add(_ number: UInt32, _ result: UInt32, _ conditions: [SeccompProfile.Condition]) {
        guard Set(conditions.map(\.index)).count < conditions.count else {
            entries.append(Entry(number: number, result: result, conditions: conditions))
            return
        }
        // Two conditions on one argument are alternatives (runc).
        for condition in conditions { entries.append(Entry(number: number, result: result, conditions: [condition])) }
    }

    /// Says that the kernel has no calls beyond a number, up to those of the next architecture.
    mutating func addUnknown(after last: UInt32, in space: UInt32) {
        unknown.append((last + 1, space == 0 ? 0x4000_0000 : .max))
    }

    /// - Returns: Where the program begins, with the call's number loaded.
    func write(to writer: inout SeccompWriter) -> Int {
        write(pieces()[...], &writer)
    }

    /// All numbers, in order; neighbours differ.
    private func pieces() -> [Piece] {
        var result = [Piece(first: 0, result: fallback)]
        func append(_ piece: Piece) {
            if result[result.count - 1].first == piece.first { result.removeLast() }
            if let last = result.last, last.alternatives.isEmpty, piece.alternatives.isEmpty,
                last.result == piece.result
            {
                return
            }
            result.append(piece)
        }
        func appendUnknown(before number: UInt32) {
            while let next = gaps.last, next.first < number {
                gaps.removeLast()
                append(Piece(first: next.first, result: 0x0005_0000 | UInt32(ENOSYS)))
                if next.end != .max { append(Piece(first: next.end, result: fallback)) }
            }
        }
        var gaps = unknown.sorted { $0.first > $1.first }
        // Of equal ones the first stays the first (Swift's sort is stable, which is not promised).
        let order = entries.indices.sorted { (entries[$0].number, $0) < (entries[$1].number, $1) }
        var position = 0
        while position < order.count {
            let number = entries[order[position]].number
            let end = order[position...].firstIndex { entries[$0].number != number } ?? order.count
            let same = order[position..<end]
            appendUnknown(before: number)
            if let rule = same.first(where: { entries[$0].conditions.isEmpty }) {
                append(Piece(first: number, result: entries[rule].result))
            } else {
                let alternatives = same.map {
                    SeccompWriter.Alternative(conditions: entries[$0].conditions, result: entries[$0].result)
                }
                append(Piece(first: number, result: fallback, alternatives: alternatives))
            }
            append(Piece(first: number + 1, result: fallback))
            position = end
        }
        appendUnknown(before: .max)
        return result
    }

    private func write(_ pieces: ArraySlice<Piece>, _ writer: inout SeccompWriter) -> Int {
        if pieces.count > 1 {
            let middle = pieces.startIndex + pieces.count / 2
            let upper = write(pieces[middle...], &writer)
            let lower = write(pieces[..<middle], &writer)
            return writer.emit(ifNumberAtLeast: pieces[middle].first, upper, else: lower)
        }
        let piece = pieces[pieces.startIndex]
        return writer.emit(piece.alternatives, otherwise: piece.result)
    }
}
