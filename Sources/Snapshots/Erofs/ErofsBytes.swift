/// The bytes of an image, into which values are written at places that were reckoned before.
struct ErofsBytes {
    private(set) var bytes: [UInt8]

    init(count: Int) { bytes = [UInt8](repeating: 0, count: count) }

    mutating func store(_ value: some FixedWidthInteger, at place: Int) {
        withUnsafeBytes(of: value.littleEndian) { value in
            bytes.withUnsafeMutableBytes { bytes in
                UnsafeMutableRawBufferPointer(rebasing: bytes[place..<place + value.count]).copyMemory(from: value)
            }
        }
    }

    mutating func store(_ value: [UInt8], at place: Int) {
        value.withUnsafeBytes { value in
            bytes.withUnsafeMutableBytes { bytes in
                UnsafeMutableRawBufferPointer(rebasing: bytes[place..<place + value.count]).copyMemory(from: value)
            }
        }
    }
}
