/// The CRC-64 of ISO 3309, by which tar-split compares a file's content.
enum CRC64 {
    private static let polynomial: UInt64 = 0xD800_0000_0000_0000

    /// Eight tables, by which eight bytes are taken at once.
    private static let tables: [UInt64] = {
        var tables = [UInt64](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt64(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ polynomial : value >> 1 }
            tables[byte] = value
        }
        for position in 256..<(8 * 256) {
            let previous = tables[position - 256]
            tables[position] = tables[Int(previous & 0xFF)] ^ previous >> 8
        }
        return tables
    }()

    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        tables.withUnsafeBufferPointer { tables in
            var value = ~UInt64(0)
            var position = 0
            while position + 8 <= bytes.count {
                value ^= UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                var next: UInt64 = 0
                for byte in 0..<8 { next ^= tables[(7 - byte) << 8 | Int(value >> (8 * byte) & 0xFF)] }
                value = next
                position += 8
            }
            for byte in bytes[position...] { value = tables[Int((value ^ UInt64(byte)) & 0xFF)] ^ value >> 8 }
            return ~value
        }
    }

    /// The checksum of two pieces, one behind the other.
    ///
    /// - Parameter count: The bytes of the second one.
    static func joined(_ first: UInt64, _ second: UInt64, count: Int64) -> UInt64 {
        // Appending a zero bit is linear in the checksum; appending many is the product of that many.
        var power: [UInt64] = [polynomial] + (0..<63).map { 1 << UInt64($0) }
        var (result, bits) = (first, UInt64(count) * 8)
        while bits > 0 {
            if bits & 1 == 1 { result = product(power, result) }
            bits >>= 1
            if bits > 0 { power = power.map { product(power, $0) } }
        }
        return result ^ second
    }

    private static func product(_ matrix: [UInt64], _ vector: UInt64) -> UInt64 {
        var (result, rest) = (UInt64(0), vector)
        while rest != 0 {
            result ^= matrix[rest.trailingZeroBitCount]
            rest &= rest - 1
        }
        return result
    }
}
