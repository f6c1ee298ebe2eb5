internal import ContentStore
internal import OCI
internal import Tar

/// Writes a layer as zstd:chunked: a zstd frame for each chunk, and behind the tar, in frames that readers skip, a table
/// of contents, the tar's headers (tar-split), and where both are (containers/storage, `pkg/chunked`).
struct ZstdChunked {
    /// What is known of a layer that was written.
    struct Written {
        var table: Place
        var tableDigest: Digest
        var tarSplit: Place
        var frames: [FrameTable.Frame]
    }

    /// Where something compressed is in the blob.
    struct Place {
        var offset: Int64
        var count: Int
        /// Uncompressed.
        var size: Int
    }

    private static let skippableMagic: UInt32 = 0x184D_2A50
    private static let headerSize = 8
    private static let footerMagic = Array("GNUlInUx".utf8)
    /// The type of table that there is.
    private static let tableType = 1

    /// - Parameter size: Of the tar.
    /// - Throws: `LayerError`, `SystemError`, `CancellationError`, and what the sink throws.
    static func write(_ writer: ChunkedWriter, size: Int64, to sink: any ByteSink) throws -> Written {
        var offset: Int64 = 0
        let counting = CountingSink(sink) { offset += Int64($0) }
        let frames = try writer.write(upTo: size, at: 0, to: counting)
        let coder = ChunkCoder(writer.form)
        let split = try tarSplit(writer, frames, size: size)
        let compressedSplit = split.withUnsafeBytes(coder.frame)
        let table = try TableOfContents(writer, frames).zstd(tarSplit: SHA256Hasher.digest(of: compressedSplit))
        let compressedTable = table.withUnsafeBytes(coder.frame)
        func skippable(_ content: [UInt8], of size: Int) throws -> Place {
            guard let count = UInt32(exactly: content.count) else {
                throw LayerError.unreadable("\(writer.path)", reason: "its table of contents is too large for a frame")
            }
            var frame: [UInt8] = []
            for number in [skippableMagic, count] { withUnsafeBytes(of: number.littleEndian) { frame += $0 } }
            frame += content
            let place = Place(offset: offset + Int64(headerSize), count: content.count, size: size)
            try frame.withUnsafeBytes { try counting.write($0) }
            return place
        }
        let tablePlace = try skippable(compressedTable, of: table.count)
        let splitPlace = try skippable(compressedSplit, of: split.count)
        var footer: [UInt8] = []
        for number in [
            Int(tablePlace.offset), tablePlace.count, tablePlace.size, tableType,
            Int(splitPlace.offset), splitPlace.count, splitPlace.size,
        ] {
            withUnsafeBytes(of: UInt64(number).littleEndian) { footer += $0 }
        }
        _ = try skippable(footer + footerMagic, of: 0)
        return Written(
            table: tablePlace,
            tableDigest: SHA256Hasher.digest(of: compressedTable),
            tarSplit: splitPlace,
            frames: frames
        )
    }

    /// The tar without its contents, by which readers make it again, byte for byte (vbatts/tar-split).
    private static func tarSplit(_ writer: ChunkedWriter, _ frames: [FrameTable.Frame], size: Int64) throws -> [UInt8] {
        var text = JSONText()
        var (position, number, frame): (Int64, Int64, Int) = (0, 0, 0)
        func line(_ body: (inout JSONText) -> Void) {
            text.open()
            body(&text)
            text.integer("position", number)
            text.close()
            text.endLine()
            number += 1
        }
        func segment(upTo end: Int64) throws {
            while position < end {
                let bytes = try writer.read(Int(min(end - position, 1 << 24)), at: position)
                line {
                    $0.integer("type", 2)
                    $0.data("payload", bytes)
                }
                position += Int64(bytes.count)
            }
        }
        for member in writer.members {
            try segment(upTo: member.content)
            let end = member.content + member.size
            var checksum: UInt64?
            while position < end {
                let next = frames[frame]
                checksum = checksum.map { CRC64.joined($0, next.checksum, count: next.count) } ?? next.checksum
                position += next.count
                frame += 1
            }
            line {
                $0.integer("type", 1)
                $0.text("name", member.name)
                $0.nonzero("size", member.size)
                if let checksum {
                    $0.data("payload", withUnsafeBytes(of: checksum.bigEndian) { Array($0) })
                } else {
                    $0.null("payload")
                }
            }
        }
        try segment(upTo: size)
        return text.bytes
    }
}
