public import Tar

/// Consecutive entries of a layer whose members can be copied into another layer as they lie in the tar.
public struct LayerSlice: Sendable {
    let index: LayerIndex
    /// Their positions in the index.
    private(set) var positions: Range<Int>
    /// Where their members lie in the tar: whole blocks, headers included.
    public private(set) var bytes: Range<Int64>

    fileprivate init(index: LayerIndex, position: Int, bytes: Range<Int64>) {
        self.index = index
        positions = position..<position + 1
        self.bytes = bytes
    }

    /// Takes in what follows at once.
    ///
    /// - Returns: Whether it did.
    public mutating func append(_ next: LayerSlice) -> Bool {
        guard next.index === index, next.positions.lowerBound == positions.upperBound,
            next.bytes.lowerBound == bytes.upperBound
        else { return false }
        positions = positions.lowerBound..<next.positions.upperBound
        bytes = bytes.lowerBound..<next.bytes.upperBound
        return true
    }
}

/// Goes along an earlier layer with the entries of a new one, and finds what they have in common.
public struct LayerComparison {
    /// What the earlier layer has of an entry.
    public enum Match {
        /// The whole member, header included.
        case member(LayerSlice)
        /// The content, which begins there in the tar.
        case content(at: Int64)
    }

    private let index: LayerIndex
    /// The entry that is expected next, and where its member begins, if that is known.
    private var position = 0
    private var start: Int64? = 0
    private let header = TarBuffer(capacity: TarBuffer.blockSize)
    private static let blockSize = Int64(TarBuffer.blockSize)

    public init(with index: LayerIndex) { self.index = index }

    /// What the layer has of an entry; those that are asked for in ascending order are found without searching.
    ///
    /// Only members whose header is a single block are found whole: what a longer header says is not compared.
    public mutating func find(_ entry: LayerEntry) -> Match? {
        guard seek(entry.path) else { return nil }
        let begin = start
        start = nil
        defer { position += 1 }
        let isSame = index.isSame(entry, at: position)
        guard let content = index.content(at: position) else {
            guard let begin, isSame, hasShortHeader(entry) else { return nil }
            let end = begin + LayerComparison.blockSize
            start = end
            return .member(LayerSlice(index: index, position: position, bytes: begin..<end))
        }
        let blocks = (content.size + LayerComparison.blockSize - 1) / LayerComparison.blockSize
        let end = content.offset + blocks * LayerComparison.blockSize
        start = end
        guard entry.kind == .regular, content.size == entry.size, content.digest == entry.contentDigest else {
            return nil
        }
        let header = content.offset - LayerComparison.blockSize
        guard isSame, begin.map({ $0 == header }) ?? hasShortHeader(entry) else { return .content(at: content.offset) }
        return .member(LayerSlice(index: index, position: position, bytes: header..<end))
    }

    /// Moves to a path; whether the layer has it.
    private mutating func seek(_ path: PathInRoot) -> Bool {
        if index.isPath(path, at: position) { return true }
        start = nil
        let isPresent: Bool
        (position, isPresent) = index.position(of: path)
        return isPresent
    }

    private func hasShortHeader(_ entry: LayerEntry) -> Bool {
        header.removeAll()
        header.appendHeader(of: entry)
        return header.count == TarBuffer.blockSize
    }
}
