internal import ContentStore
internal import FileSystem
internal import Glibc
internal import OCI
internal import SystemPackage

/// Reads files of a context whole and makes sure that what it read is what the file held at one moment.
struct ContentReader: ~Copyable {
    /// What one file held.
    struct Content: Sendable {
        let status: FileStatus
        let digest: Digest
        let extendedAttributes: [ExtendedAttribute]
        /// Whether any later change is sure to be seen in the status.
        let isSettled: Bool
    }

    private static let retryLimit = 3
    private static let bufferSize = 1 << 20

    private let context: ContextDirectory
    private var hasher = SHA256Hasher()
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: ContentReader.bufferSize, alignment: 4096)

    init(context: ContextDirectory) {
        self.context = context
    }

    deinit { buffer.deallocate() }

    /// Reads a file that had `status` when it was walked.
    ///
    /// - Throws: `.changedWhileRead` when it was never the same before and after, or is no regular file any more.
    mutating func read(_ path: [UInt8], status: FileStatus) throws(BuildContextError) -> Content {
        for attempt in 0...ContentReader.retryLimit {
            guard let descriptor = try open(path, isFirst: attempt == 0) else { throw .changedWhileRead(path) }
            defer { close(descriptor) }
            let file = context.filePath(path)
            do throws(SystemError) {
                let before = attempt == 0 ? status : try FileStatus.of(descriptor: descriptor, path: file)
                guard before.kind == .regular else { break }
                if let content = try read(descriptor, before, file) { return content }
            } catch {
                throw .system(error)
            }
        }
        throw .changedWhileRead(path)
    }

    /// What an open file holds; `nil` if its status was not the same all the time.
    private mutating func read(
        _ descriptor: Int32,
        _ before: FileStatus,
        _ file: FilePath
    ) throws(SystemError) -> Content? {
        // Before the reading, so that every change that it can miss is later.
        let moment = ContentReader.now()
        let content = Result { () throws(SystemError) in try digest(descriptor, size: before.size, file) }
        let attributes = ExtendedAttribute.portable(descriptor: descriptor)
        guard try FileStatus.of(descriptor: descriptor, path: file) == before, let digest = try content.get() else {
            return nil
        }
        return Content(
            status: before,
            digest: digest,
            extendedAttributes: attributes,
            isSettled: FingerprintCache.isSettled(before, at: moment)
        )
    }

    /// The digest of the first `size` bytes; `nil` if there are fewer.
    private mutating func digest(_ descriptor: Int32, size: Int64, _ file: FilePath) throws(SystemError) -> Digest? {
        var position: Int64 = 0
        while position < size {
            let wanted = Int(min(size - position, Int64(buffer.count)))
            let count = pread(descriptor, buffer.baseAddress, wanted, off_t(position))
            if count < 0 {
                if Errno.current == .interrupted { continue }
                throw SystemError("read", file)
            }
            if count == 0 {
                _ = hasher.finish()
                return nil
            }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            position += Int64(count)
        }
        return hasher.finish()
    }

    /// Opens the file; `nil` when it is gone.
    ///
    /// The first time by its whole path: if that leads elsewhere by now, the status tells. After that component by
    /// component, since whoever exchanges a directory for a link must not get another file into the image.
    private func open(_ path: [UInt8], isFirst: Bool) throws(BuildContextError) -> Int32? {
        // Without O_NONBLOCK a fifo in the file's place would be waited for.
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK
        do throws(SystemError) {
            if isFirst { return try FileOperations.open(context.filePath(path), flags) }
            var directory = try FileOperations.open(context.path, O_RDONLY | O_DIRECTORY)
            let components = path.split(separator: PathText.slash)
            for (index, component) in components.enumerated() {
                let name = component.map { CChar(bitPattern: $0) } + [0]
                let isLast = index == components.count - 1
                let next = openat(directory, name, (isLast ? flags : flags | O_DIRECTORY) | O_CLOEXEC)
                let error = Errno.current
                close(directory)
                guard next >= 0 else { throw SystemError("open", context.filePath(path), errno: error) }
                directory = next
            }
            return directory
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels, .noSuchAddressOrDevice: return nil
            default: throw .system(error)
            }
        }
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
