/// The content of one file as pieces of the tar: a single one, unless it has large holes.
struct ErofsPieces {
    /// The first block of each, `noBlock` for a hole.
    let blocks: [UInt32]
    /// The size of all but the last, as a power of two in blocks.
    let bits: Int

    /// Smaller holes are not worth more than one piece.
    private static let smallestHole: Int64 = 1 << 20
    /// 64 KiB at least, and so large that there are not too many.
    private static let (smallestBits, largestCount) = (7, 4096)

    /// - Returns: `nil` where it does not begin with a block, ends behind the tar, or is too large.
    init?(of offset: Int64, _ size: Int64, in tar: ErofsTar) {
        let blockSize = Int64(ErofsFormat.blockSize)
        let count = size / blockSize + (size % blockSize == 0 ? 0 : 1)
        guard size > 0, offset >= 0, offset % blockSize == 0, count <= Int64(1) << 31, offset <= tar.size,
            count <= (tar.size - offset) / blockSize, offset / blockSize + count < Int64(ErofsFormat.noBlock)
        else { return nil }
        let first = offset / blockSize
        let holes = size < ErofsPieces.smallestHole ? [] : tar.holes(in: offset..<offset + size)
        guard holes.contains(where: { $0.count >= ErofsPieces.smallestHole }) else {
            blocks = [UInt32(first)]
            bits = ErofsPieces.bits(for: count)
            return
        }
        let bits = max(
            ErofsPieces.smallestBits,
            ErofsPieces.bits(for: (count - 1) / Int64(ErofsPieces.largestCount) + 1)
        )
        var rest = holes[...]
        blocks = stride(from: 0, to: count, by: 1 << bits).map { place in
            let start = (first + place) * blockSize
            let end = min(start + blockSize << bits, offset + size)
            while let hole = rest.first, hole.upperBound < end { rest.removeFirst() }
            return rest.first.map { $0.lowerBound <= start } ?? false ? ErofsFormat.noBlock : UInt32(first + place)
        }
        self.bits = bits
    }

    /// The smallest power of two that is not smaller.
    private static func bits(for count: Int64) -> Int { Int64.bitWidth - (count - 1).leadingZeroBitCount }
}
