internal import FileSystem
public import OCI
public import SystemPackage

/// An EROFS image on disk, with a checksum over all of it where a boot sector would be.
public enum ErofsFile {
    private static let mark: UInt64 = 0x3173_666f_7265_6273  // "sberofs1"
    private static let checksumPlace = 8

    /// Fills in the beginning of an image.
    static func sealed(_ image: consuming [UInt8]) -> [UInt8] {
        var bytes = image
        withUnsafeBytes(of: mark.littleEndian) { bytes.replaceSubrange(0..<8, with: $0) }
        let checksum = bytes.withUnsafeBytes { ErofsFile.checksum($0) }
        withUnsafeBytes(of: checksum.littleEndian) {
            bytes.replaceSubrange(checksumPlace..<checksumPlace + 8, with: $0)
        }
        return bytes
    }

    /// Whether the file is there and as it was written for a layer: a power loss may have torn it, and one of another
    /// layer may be in its place.
    ///
    /// - Parameter name: What the layer is called.
    public static func isWhole(_ path: FilePath, of name: Digest) -> Bool {
        guard let file = try? MappedFile(path), file.bytes.count >= ErofsFormat.firstInode else { return false }
        return file.bytes.loadUnaligned(as: UInt64.self).littleEndian == mark
            && file.bytes[ErofsFormat.identifier].elementsEqual(name.bytes.prefix(ErofsFormat.identifier.count))
            && file.bytes.loadUnaligned(fromByteOffset: checksumPlace, as: UInt64.self).littleEndian
                == checksum(file.bytes)
    }

    /// Against torn and flipped bytes, not against somebody who may write here; its own place counts as zero.
    private static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var sum: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(bytes.count)
        // An image has whole blocks.
        for place in stride(from: 0, to: bytes.count - 7, by: 8) where place != checksumPlace {
            sum =
                (sum ^ bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self).littleEndian)
                &* 0xFF51_AFD7_ED55_8CCD
            sum ^= sum >> 32
        }
        return sum
    }
}
