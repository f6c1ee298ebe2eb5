internal import ContentStore
internal import FileSystem
internal import OCI
internal import Synchronization
internal import SystemPackage
internal import Tar
internal import Threads

/// Compresses the parts of a tar on all processors, always to the same bytes whatever their number.
struct ChunkedWriter {
    let form: ChunkedForm
    let descriptor: Int32
    let path: FilePath
    let members: [TarMember]
    /// What is known of the contents of files, by where they begin in the tar.
    let digests: [Int64: Digest]
    let earlier: EarlierFrames
    var threads = WorkerGroup.processorCount

    /// What became of some parts, one behind the other.
    private struct Compressed {
        var bytes: [UInt8] = []
        var content: [UInt8] = []
        /// Of the chunks among them; offsets from the first byte.
        var frames: [FrameTable.Frame] = []
    }

    /// - Parameters:
    ///   - end: Where the tar ends.
    ///   - offset: Where the first part goes in the blob.
    ///   - seeContent: Gets what the parts hold, in order; `nil` where nobody needs it, so that not all is read.
    /// - Returns: The chunks of all files, in order.
    func write(
        upTo end: Int64,
        at offset: Int64,
        to sink: any ByteSink,
        seeContent: ((UnsafeRawBufferPointer) -> Void)? = nil
    ) throws -> [FrameTable.Frame] {
        let layout = ChunkedLayout(members, upTo: end)
        let coders = Mutex<[ChunkCoder]>([])
        var (result, position) = ([FrameTable.Frame](), offset)
        try WorkerGroup.inOrder(below: layout.batches.count, limit: threads) { number in
            try Task.checkCancellation()
            GzipBlocks.processors.wait()
            defer { GzipBlocks.processors.signal() }
            let coder = coders.withLock { $0.popLast() } ?? ChunkCoder(form)
            defer { coders.withLock { $0.append(coder) } }
            var compressed = Compressed()
            for part in layout.parts[layout.batches[number]] {
                try compress(part, coder, keepsContent: seeContent != nil, &compressed)
            }
            return compressed
        } take: { compressed in
            if let seeContent { compressed.content.withUnsafeBytes(seeContent) }
            try compressed.bytes.withUnsafeBytes { try sink.write($0) }
            for var frame in compressed.frames {
                frame.offset += position
                result.append(frame)
            }
            position += Int64(compressed.bytes.count)
        }
        return result
    }

    private func compress(
        _ part: ChunkedLayout.Part,
        _ coder: ChunkCoder,
        keepsContent: Bool,
        _ compressed: inout Compressed
    ) throws {
        let offset = Int64(compressed.bytes.count)
        let member = part.member.map { members[$0] }
        let known = member.flatMap { Int64(part.count) == $0.size ? digests[$0.content] : nil }
        func reuse(_ digest: Digest) -> Bool {
            guard var found = earlier.frame(digest, count: part.count) else { return false }
            found.frame.offset = offset
            compressed.frames.append(found.frame)
            compressed.bytes += found.bytes
            return true
        }
        if let known, !keepsContent, reuse(known) { return }
        let content = try read(part.count, at: part.offset)
        if keepsContent { compressed.content += content }
        guard member != nil else { return compressed.bytes += content.withUnsafeBytes(coder.frame) }
        let digest = known ?? SHA256Hasher.digest(of: content)
        if reuse(digest) { return }
        let bytes = content.withUnsafeBytes(coder.frame)
        compressed.bytes += bytes
        var frame = FrameTable.Frame(
            digest: digest,
            count: Int64(part.count),
            checksum: 0,
            offset: offset,
            length: Int64(bytes.count),
            compressedDigest: SHA256Hasher.digest(of: bytes)
        )
        if case .zstd = form { frame.checksum = content.withUnsafeBytes(CRC64.of) }
        compressed.frames.append(frame)
    }

    func read(_ count: Int, at offset: Int64) throws -> [UInt8] {
        let bytes = try [UInt8](unsafeUninitializedCapacity: count) { buffer, read in
            let space = UnsafeMutableRawBufferPointer(buffer)
            read = try FileOperations.read(space, from: descriptor, at: offset, path: path)
        }
        guard bytes.count == count else { throw LayerError.shortContent(path) }
        return bytes
    }

    /// The digest of a whole file.
    func digest(of member: TarMember, _ chunks: ArraySlice<FrameTable.Frame>) throws -> Digest {
        if chunks.count == 1, let only = chunks.first { return only.digest }
        if let known = digests[member.content] { return known }
        var hasher = SHA256Hasher()
        for chunk in stride(from: 0, to: member.size, by: ChunkedForm.chunkSize) {
            let count = min(member.size - chunk, Int64(ChunkedForm.chunkSize))
            hasher.update(try read(Int(count), at: member.content + chunk))
        }
        return hasher.finish()
    }
}
