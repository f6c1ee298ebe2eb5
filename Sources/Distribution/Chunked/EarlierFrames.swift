internal import ContentStore
internal import FileSystem
internal import OCI
internal import SystemPackage

/// Compressed chunks of earlier layers, by the digests of their contents.
final class EarlierFrames: Sendable {
    private let places: [Digest: (file: Int, frame: FrameTable.Frame)]
    private let files: [BlobFile]

    init(_ tables: [FrameTable], in blobs: BlobStore) {
        var places: [Digest: (file: Int, frame: FrameTable.Frame)] = [:]
        var files: [BlobFile] = []
        for table in tables {
            guard let file = try? BlobFile(blobs.path(table.blob)) else { continue }
            for frame in table.frames where places[frame.digest] == nil { places[frame.digest] = (files.count, frame) }
            files.append(file)
        }
        (self.places, self.files) = (places, files)
    }

    /// What compressing a chunk once gave; `nil` where that was not done, or the disk has changed it.
    func frame(_ digest: Digest, count: Int) -> (frame: FrameTable.Frame, bytes: [UInt8])? {
        guard let (file, frame) = places[digest], frame.count == count, frame.length > 0,
            frame.length <= ChunkedForm.chunkSize * 2,
            let bytes = try? files[file].read(Int(frame.length), at: frame.offset),
            SHA256Hasher.digest(of: bytes) == frame.compressedDigest
        else { return nil }
        return (frame, bytes)
    }
}

private final class BlobFile: Sendable {
    private let descriptor: OwnedDescriptor
    private let path: FilePath

    init(_ path: FilePath) throws {
        descriptor = try OwnedDescriptor(regularFile: path)
        self.path = path
    }

    func read(_ count: Int, at offset: Int64) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, read in
            read = try FileOperations.read(
                UnsafeMutableRawBufferPointer(buffer),
                from: descriptor.rawValue,
                at: offset,
                bypassesPageCache: false,
                path: path
            )
        }
    }
}
