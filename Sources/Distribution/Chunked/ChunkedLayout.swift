internal import OCI

/// Into what parts a tar is cut: the content of each file, in chunks, and what lies between.
struct ChunkedLayout {
    /// A part of the tar that is compressed by itself.
    struct Part {
        let offset: Int64
        let count: Int
        /// Whose content it is a part of, by its position; `nil` for headers.
        let member: Int?
    }

    /// Parts that one thread compresses at once.
    typealias Batch = Range<Int>

    private(set) var parts: [Part] = []
    private(set) var batches: [Batch] = []

    private static let batchSize = 1 << 20

    /// - Parameter end: Of the tar.
    init(_ members: [TarMember], upTo end: Int64) {
        var position: Int64 = members.first?.start ?? 0
        for (number, member) in members.enumerated() {
            if member.start > position, number > 0, member.start != members[number - 1].end {
                // Members were left out before this one.
                add(position, members[number - 1].end, nil)
                position = member.start
            }
            guard member.size > 0 else { continue }
            add(position, member.content, nil)
            add(member.content, member.content + member.size, number)
            position = member.content + member.size
        }
        add(position, end, nil)
        cut()
    }

    private mutating func add(_ begin: Int64, _ end: Int64, _ member: Int?) {
        var offset = begin
        while offset < end {
            let count = Int(min(end - offset, Int64(ChunkedForm.chunkSize)))
            parts.append(Part(offset: offset, count: count, member: member))
            offset += Int64(count)
        }
    }

    private mutating func cut() {
        var (begin, size) = (0, 0)
        for (number, part) in parts.enumerated() {
            size += part.count
            guard size >= Self.batchSize || number == parts.count - 1 else { continue }
            batches.append(begin..<(number + 1))
            (begin, size) = (number + 1, 0)
        }
    }
}
