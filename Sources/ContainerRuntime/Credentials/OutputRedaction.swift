/// Puts `***` in the place of secret values in what a process writes.
public struct OutputRedaction: Sendable {
    /// What is shorter says nothing, and would be found everywhere.
    private static let shortest = 4
    /// Of a value of several lines, such as a key, each line that is long enough counts alone too.
    private static let shortestLine = 8

    /// Longest first.
    private let values: [[UInt8]]
    private let beginnings: Set<UInt8>
    /// The end of what was written, as long as it may be the beginning of a value.
    private var pending: [UInt8] = []

    /// - Parameter secrets: Line ends behind a value do not count.
    init(_ secrets: [[UInt8]]) {
        var values: Set<[UInt8]> = []
        for secret in secrets {
            let lines = secret.split { $0 == 0x0A || $0 == 0x0D }.map { Array($0) }
            if lines.count > 1 { values.formUnion(lines.filter { $0.count >= OutputRedaction.shortestLine }) }
            var whole = secret[...]
            while let last = whole.last, last == 0x0A || last == 0x0D { whole.removeLast() }
            if whole.count >= OutputRedaction.shortest { values.insert(Array(whole)) }
        }
        self.values = values.sorted { $0.count > $1.count }
        beginnings = Set(values.compactMap(\.first))
    }

    /// What of the bytes can be shown by now; a part that may be the beginning of a value is kept for the next call.
    public mutating func redact(_ bytes: [UInt8]) -> [UInt8] {
        values.isEmpty ? bytes : scan(pending + bytes, isEnd: false)
    }

    /// What was kept back, at the end of the output.
    public mutating func finish() -> [UInt8] {
        scan(pending, isEnd: true)
    }

    private mutating func scan(_ input: [UInt8], isEnd: Bool) -> [UInt8] {
        var output: [UInt8] = []
        var position = 0
        scan: while position < input.count {
            if beginnings.contains(input[position]) {
                let rest = input[position...]
                for value in values {
                    if !isEnd, value.count > rest.count, value.starts(with: rest) { break scan }
                    if rest.starts(with: value) {
                        output += Array("***".utf8)
                        position += value.count
                        continue scan
                    }
                }
            }
            output.append(input[position])
            position += 1
        }
        pending = Array(input[position...])
        return output
    }
}
