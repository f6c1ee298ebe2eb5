internal import ContentStore
internal import OCI
internal import Tar

/// Writes a layer as eStargz, version 1: a gzip member for each chunk, and a table of contents at the end
/// (stargz-snapshotter, estargz.md).
///
/// The tar is another one then: it has a landmark and the table of contents beside what was in it.
struct EStargz {
    static let tableName = "stargz.index.json"
    private static let landmarkName = ".no.prefetch.landmark"
    private static let landmark: [UInt8] = [0x0F]

    /// What is known of a layer that was written.
    struct Written {
        /// Of the other tar.
        var diffID: Digest
        var size: Int64
        var tableDigest: Digest
        var frames: [FrameTable.Frame]
    }

    /// What an earlier conversion has put into a tar, none of which stays.
    static func isOwn(_ member: TarMember) -> Bool {
        let name = member.name.hasPrefix("./") ? String(member.name.dropFirst(2)) : member.name
        return [tableName, landmarkName, ".prefetch.landmark"].contains(name)
    }

    /// Collects what the blob and the tar in it become.
    private final class Output {
        let sink: any ByteSink
        var hasher = SHA256Hasher()
        var tarSize: Int64 = 0
        var offset: Int64 = 0

        init(_ sink: any ByteSink) { self.sink = sink }

        func see(_ bytes: UnsafeRawBufferPointer) {
            hasher.update(bytes)
            tarSize += Int64(bytes.count)
        }

        func write(_ bytes: [UInt8]) throws {
            try bytes.withUnsafeBytes { try sink.write($0) }
            offset += Int64(bytes.count)
        }

        func add(_ content: [UInt8], _ coder: ChunkCoder) throws {
            content.withUnsafeBytes(see)
            try write(content.withUnsafeBytes(coder.frame))
        }
    }

    /// - Throws: `LayerError`, `SystemError`, `CancellationError`, and what the sink throws.
    static func write(_ writer: ChunkedWriter, to sink: any ByteSink) throws -> Written {
        let output = Output(sink)
        let coder = ChunkCoder(writer.form)
        let landmark = try writeLandmark(output, coder)
        let end = writer.members.last?.end ?? 0
        var written: Int64 = 0
        let counting = CountingSink(sink) { written += Int64($0) }
        let frames = try writer.write(upTo: end, at: output.offset, to: counting, seeContent: output.see)
        output.offset += written
        let table = try TableOfContents(writer, frames).estargz(landmark)
        let tableOffset = output.offset
        var tail = header(tableName, size: table.count) + table
        // What ends a tar is behind it.
        tail += [UInt8](repeating: 0, count: (512 - table.count % 512) % 512 + 1024)
        try output.add(tail, coder)
        try output.write(footer(tableOffset))
        return Written(
            diffID: output.hasher.finish(),
            size: output.tarSize,
            tableDigest: SHA256Hasher.digest(of: table),
            frames: frames
        )
    }

    /// No file is said to be needed first, which has to be said.
    private static func writeLandmark(_ output: Output, _ coder: ChunkCoder) throws -> TableOfContents.Entry {
        try output.add(header(landmarkName, size: landmark.count), coder)
        let offset = output.offset
        try output.add(landmark, coder)
        let digest = SHA256Hasher.digest(of: landmark)
        let frame = FrameTable.Frame(
            digest: digest,
            count: 1,
            checksum: 0,
            offset: offset,
            length: output.offset - offset,
            compressedDigest: digest
        )
        try output.add([UInt8](repeating: 0, count: 511), coder)
        let member = TarMember(
            kind: .regular,
            name: landmarkName,
            linkTarget: "",
            mode: 0o644,
            userID: 0,
            groupID: 0,
            userName: "",
            groupName: "",
            deviceMajor: 0,
            deviceMinor: 0,
            modified: TarMember.Time(seconds: 0),
            attributes: [:],
            start: 0,
            content: 512,
            size: 1
        )
        return TableOfContents.Entry(member: member, digest: digest, chunks: [frame])
    }

    /// The header of a file that root owns, of 1970.
    private static func header(_ name: String, size: Int) -> [UInt8] {
        let buffer = TarBuffer(capacity: TarBuffer.blockSize)
        var entry = LayerEntry(path: PathInRoot(name), kind: .regular, permissions: 0o644)
        entry.size = Int64(size)
        buffer.appendHeader(of: entry)
        return Array(buffer.bytes)
    }

    /// An empty gzip member that says where the table of contents is (estargz.md, "Footer").
    static func footer(_ offset: Int64) -> [UInt8] {
        let digits = String(offset, radix: 16)
        let subfield = String(repeating: "0", count: 16 - digits.utf8.count) + digits + "STARGZ"
        let header: [UInt8] = [0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 0xFF, 26, 0] + Array("SG".utf8) + [22, 0]
        return header + Array(subfield.utf8) + [1, 0, 0, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 8)
    }
}

/// Tells how much goes through.
final class CountingSink: ByteSink {
    private let sink: any ByteSink
    private let wrote: (Int) -> Void

    init(_ sink: any ByteSink, wrote: @escaping (Int) -> Void) { (self.sink, self.wrote) = (sink, wrote) }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try sink.write(bytes)
        wrote(bytes.count)
    }
}
