/// The names in one directory, and the blocks that they fill.
struct ErofsDirectory {
    /// A name, what it is, and where its inode is.
    struct Name {
        let bytes: [UInt8]
        let type: UInt8
        let node: Int
    }

    /// Sorted by their bytes.
    private let names: [Name]
    /// How many names each block has.
    private var counts: [Int] = []
    /// `i_size`.
    private(set) var size = 0

    private static let entrySize = 12
    static let type: UInt8 = 2

    /// - Parameters:
    ///   - children: Sorted by their bytes.
    ///   - node: The directory itself, and its parent.
    init(_ children: [Name], node: Int, parent: Int) {
        let own = Name(bytes: [UInt8(ascii: ".")], type: ErofsDirectory.type, node: node)
        let above = Name(bytes: [UInt8(ascii: "."), UInt8(ascii: ".")], type: ErofsDirectory.type, node: parent)
        var names: [Name] = []
        names.reserveCapacity(children.count + 2)
        var pending = [above, own]
        for child in children {
            while let next = pending.last, next.bytes.lexicographicallyPrecedes(child.bytes) {
                names.append(next)
                pending.removeLast()
            }
            names.append(child)
        }
        names += pending.reversed()
        self.names = names
        var (count, used) = (0, 0)
        for name in names {
            let needed = ErofsDirectory.entrySize + name.bytes.count
            if used + needed > ErofsFormat.blockSize {
                counts.append(count)
                (count, used) = (0, 0)
            }
            count += 1
            used += needed
        }
        counts.append(count)
        size = (counts.count - 1) * ErofsFormat.blockSize + used
    }

    /// Writes the blocks.
    ///
    /// - Parameter number: The inode of a node.
    func write(to image: inout ErofsBytes, at start: Int, number: (Int) -> UInt64) {
        var (place, rest) = (start, names[...])
        for count in counts {
            var nameOffset = count * ErofsDirectory.entrySize
            for (position, name) in rest.prefix(count).enumerated() {
                let entry = place + position * ErofsDirectory.entrySize
                image.store(number(name.node), at: entry)
                image.store(UInt16(nameOffset), at: entry + 8)
                image.store(name.type, at: entry + 10)
                image.store(name.bytes, at: place + nameOffset)
                nameOffset += name.bytes.count
            }
            rest = rest.dropFirst(count)
            place += ErofsFormat.blockSize
        }
    }
}
