public import FileSystem
internal import Glibc
public import SystemPackage

/// A file of a context that is open for reading and must stay as it was seen.
public final class ContextFile: Sendable {
    /// What the file must have, before it is read and after.
    public let status: FileStatus
    /// The attributes that go into an image.
    public let extendedAttributes: [ExtendedAttribute]
    private let file: OwnedDescriptor
    /// Nanoseconds since 1970, before anything was read, so that every change that reading can miss is later.
    private let opened: Int64

    init(_ file: consuming OwnedDescriptor, status: FileStatus) {
        self.status = status
        opened = WallClock.now
        extendedAttributes = ExtendedAttribute.portable(descriptor: file.rawValue)
        self.file = file
    }

    /// Fills a buffer with the bytes at an offset; false when there are too few or it is another file by now.
    ///
    /// - Parameter path: For the message of an error, and made up only then.
    public func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int64, path: @autoclosure () -> FilePath)
        throws(BuildContextError) -> Bool
    {
        do {
            return try FileOperations.read(
                buffer,
                from: file.rawValue,
                at: offset,
                bypassesPageCache: false,
                path: path()
            ) == buffer.count
        } catch {
            if !isUnchanged { return false }
            throw .system(error)
        }
    }

    /// Whether the file still is what it was when it was seen first.
    public var isUnchanged: Bool { (try? FileStatus.of(descriptor: file.rawValue, path: "")) == status }

    /// Whether any change after the file was opened is sure to be seen in its status.
    public var isSettled: Bool { FingerprintCache.isSettled(status, at: opened) }
}

/// Opens files of listings for one thread; files of one directory follow each other, so its descriptor is kept.
public struct ContextFileOpener: ~Copyable {
    let context: ContextDirectory
    private var directory: [UInt8]?
    private var file: OwnedDescriptor?

    private static let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC

    public init(_ context: ContextDirectory) {
        self.context = context
    }

    /// Opens a regular file that was walked; `nil` when something else is there now.
    ///
    /// The way to it may have been exchanged for another: only `isUnchanged` tells.
    public mutating func open(_ entry: ContextListing.Reference, of listing: ContextListing) throws(BuildContextError)
        -> ContextFile?
    {
        let parent = listing.parent(of: entry)
        if parent != directory {
            directory = nil
            file = nil
            do {
                file = try OwnedDescriptor(context.filePath(parent), O_RDONLY | O_DIRECTORY)
            } catch {
                if error.isOfChangedTree { return nil }
                throw .system(error)
            }
            directory = parent
        }
        // Without O_NONBLOCK a fifo in the file's place would be waited for.
        let parentDescriptor = file.rawValue ?? -1
        let result = listing.withName(of: entry) { openat(parentDescriptor, $0, ContextFileOpener.flags) }
        guard let file = OwnedDescriptor(result) else {
            let error = SystemError("open", context.filePath(listing.contextPath(of: entry)))
            if error.isOfChangedTree { return nil }
            throw .system(error)
        }
        return ContextFile(file, status: listing.status(of: entry))
    }

    /// Opens a file that was not as it was walked once more, and takes it as it is now; `nil` for anything else.
    ///
    /// Component by component, since exchanging a directory for a link must not get another file into the image.
    func openAgain(_ path: [UInt8]) throws(BuildContextError) -> ContextFile? {
        do throws(SystemError) {
            let file = try context.open(path, ContextFileOpener.flags)
            let status = try FileStatus.of(descriptor: file.rawValue, path: context.filePath(path))
            return status.kind == .regular ? ContextFile(file, status: status) : nil
        } catch {
            if error.isOfChangedTree { return nil }
            throw .system(error)
        }
    }
}

extension SystemError {
    /// Whether it means that a path does not lead to what it led to before.
    fileprivate var isOfChangedTree: Bool {
        [.noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels, .noSuchAddressOrDevice].contains(errno)
    }
}
