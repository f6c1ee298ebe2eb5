internal import ContentStore
internal import FileSystem
internal import OCI
internal import SystemPackage

/// Reads files of a context whole and makes sure that what it read is what the file held at one moment.
struct ContentReader: ~Copyable {
    private static let retryLimit = 3
    private static let bufferSize = 1 << 18

    private var opener: ContextFileOpener
    private var hasher = SHA256Hasher()
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: ContentReader.bufferSize, alignment: 4096)

    init(context: ContextDirectory) {
        opener = ContextFileOpener(context)
    }

    deinit { buffer.deallocate() }

    /// Reads a regular file of a listing.
    ///
    /// - Throws: `.changedWhileRead` when it was never the same before and after, or is no longer a regular file.
    mutating func read(_ entry: ContextListing.Reference, of listing: ContextListing) throws(BuildContextError)
        -> FileContent
    {
        if let file = try opener.open(entry, of: listing), let digest = try digest(file, listing.contextPath(of: entry))
        {
            return FileContent(file, digest: digest)
        }
        let path = listing.contextPath(of: entry)
        for _ in 0..<ContentReader.retryLimit {
            guard let file = try opener.openAgain(path) else { break }
            if let digest = try digest(file, path) { return FileContent(file, digest: digest) }
        }
        throw .changedWhileRead(path)
    }

    /// The digest of what a file holds; `nil` if it was not the same all the time.
    private mutating func digest(_ file: ContextFile, _ path: @autoclosure () -> [UInt8])
        throws(BuildContextError) -> Digest?
    {
        var position: Int64 = 0
        while position < file.status.size {
            let part = UnsafeMutableRawBufferPointer(
                rebasing: buffer.prefix(Int(min(file.status.size - position, Int64(buffer.count))))
            )
            guard try file.read(part, at: position, path: opener.context.filePath(path())) else {
                _ = hasher.finish()
                return nil
            }
            hasher.update(UnsafeRawBufferPointer(part))
            position += Int64(part.count)
        }
        let digest = hasher.finish()
        return file.isUnchanged ? digest : nil
    }
}
