import BuildContext
import ContentStore
import FileSystem
import Layers
import SystemPackage
import Tar

/// An item on its way into a layer: its header, then its content piece by piece.
final class OpenContent {
    private enum Source {
        case none
        case bytes([UInt8])
        case memory(UnsafeRawBufferPointer)
        case file(descriptor: Int32, offset: Int64, path: FilePath)
        case stored(OpenFile, path: FilePath)
        case context(ContextFile, ContentFingerprint.File)
    }

    private var entry: LayerEntry
    private let source: Source
    private let listings: [ContextListing]
    private var hasher = SHA256Hasher()
    private let isDigestKnown: Bool
    private var isHeaderWritten = false
    private var done: Int64 = 0
    /// Where the content began, relative to the part that is being filled.
    private var start: Int64 = 0

    /// Opens what the content is read from.
    ///
    /// - Throws: `ChangedWhileCopied` when something else is in the place of a context's file.
    init(_ item: CopyItem, _ listings: [ContextListing], _ opener: inout ContextFileOpener?) throws {
        entry = item.entry
        self.listings = listings
        isDigestKnown = item.entry.contentDigest != nil
        switch item.content {
        case .none:
            source = .none
        case .bytes(let bytes):
            source = .bytes(bytes)
        case .layer(let files, let position):
            let place = try files.contents(ofLayer: position).place(of: item.entry)
            let path = FilePath("layer \(files.layers[position].diffID)")
            source = .file(descriptor: place.descriptor, offset: place.offset, path: path)
        case .stored(let path, _):
            source = .stored(try OpenFile(path), path: path)
        case .temporary(let file, let offset):
            source = .file(descriptor: file.descriptor, offset: offset, path: file.path)
        case .context(let file):
            guard let open = try opener?.open(file.entry, of: listings[file.listing]) else {
                throw ChangedWhileCopied(file, in: listings)
            }
            entry.extendedAttributes = open.extendedAttributes
            source = .context(open, file)
        }
    }

    /// Takes the content from memory that stays there until all of it was appended.
    init(_ item: CopyItem, bytes: UnsafeRawBufferPointer) {
        entry = item.entry
        listings = []
        isDigestKnown = item.entry.contentDigest != nil
        source = .memory(bytes)
    }

    /// Takes the content of an item from elsewhere.
    init(_ item: CopyItem, descriptor: Int32, offset: Int64, path: FilePath) {
        entry = item.entry
        listings = []
        isDigestKnown = item.entry.contentDigest != nil
        source = .file(descriptor: descriptor, offset: offset, path: path)
    }

    /// Appends the header, if it is not there yet, and the content up to a length of the part.
    ///
    /// - Parameter learn: Told what was read of a context's file, once all of it is known to be of one moment.
    /// - Returns: Whether the item is complete.
    func append(
        to part: LayerPart,
        limit: Int,
        learn: (ContentFingerprint.File, FileContent) -> Void
    ) throws -> Bool {
        if !isHeaderWritten {
            part.tar.appendHeader(of: entry)
            start = Int64(part.tar.count)
            isHeaderWritten = true
        }
        guard entry.kind == .regular else {
            part.list(entry)
            return true
        }
        let space = max(limit - part.tar.count, 1)
        let piece = part.tar.append(Int(min(entry.size - done, Int64(space))))
        try read(piece)
        if !isDigestKnown { hasher.update(UnsafeRawBufferPointer(piece)) }
        done += Int64(piece.count)
        guard done == entry.size else {
            start -= Int64(part.tar.count)
            return false
        }
        part.tar.appendPadding(after: entry.size)
        if !isDigestKnown { entry.contentDigest = hasher.finish() }
        entry.contentOffset = start
        try check(learn)
        part.list(entry)
        return true
    }

    private func read(_ piece: UnsafeMutableRawBufferPointer) throws {
        switch source {
        case .none: break
        case .bytes(let bytes):
            bytes.withUnsafeBytes {
                piece.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[Int(done)...].prefix(piece.count)))
            }
        case .memory(let bytes):
            piece.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[Int(done)...].prefix(piece.count)))
        case .file(let descriptor, let offset, let path):
            let count = try FileOperations.read(piece, from: descriptor, at: offset + done, path: path)
            guard count == piece.count else { throw LayerError.shortContent(path) }
        case .stored(let file, let path):
            let count = try FileOperations.read(piece, from: file.descriptor, at: done, path: path)
            guard count == piece.count else { throw LayerError.shortContent(path) }
        case .context(let open, let file):
            guard try open.read(piece, at: done, path: ChangedWhileCopied(file, in: listings).path) else {
                throw ChangedWhileCopied(file, in: listings)
            }
        }
    }

    /// Makes sure that a file of the context is still what it was.
    private func check(_ learn: (ContentFingerprint.File, FileContent) -> Void) throws {
        guard case .context(let open, let file) = source else { return }
        guard open.isUnchanged, let digest = entry.contentDigest else {
            throw ChangedWhileCopied(file, in: listings)
        }
        if !isDigestKnown { learn(file, FileContent(open, digest: digest)) }
    }
}
