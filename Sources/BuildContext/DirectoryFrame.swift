internal import FileSystem
internal import Glibc
internal import SystemPackage

/// An open directory of a walk, with its names in order.
final class DirectoryFrame {
    private(set) var descriptor: Int32
    let status: FileStatus
    let states: [IgnoreFile.DirectoryState]
    /// The length of the walk's path and the number of its pending directories before this one.
    var prefixLength = 0
    var pendingPosition = 0

    /// All names, each with a zero byte after it.
    private let names: UnsafeMutableBufferPointer<UInt8>
    /// Where each name starts, in the order of the names.
    private let starts: [Int]
    private var next = 0
    private var exceptions: Bool?

    /// Takes the descriptor over, also when it throws.
    init(
        descriptor: Int32,
        path: @autoclosure () -> FilePath,
        states: [IgnoreFile.DirectoryState]
    ) throws(BuildContextError) {
        self.descriptor = descriptor
        self.states = states
        do throws(SystemError) {
            status = try FileStatus.of(descriptor: descriptor, path: "")
            let text = try DirectoryFrame.read(descriptor)
            names = UnsafeMutableBufferPointer.allocate(capacity: text.count)
            _ = names.initialize(from: text)
        } catch {
            Glibc.close(descriptor)
            // The path is made up only now, since it takes longer than the reading.
            throw .system(SystemError(error.operation, path(), errno: error.errno))
        }
        starts = DirectoryFrame.sortedStarts(UnsafeBufferPointer(names))
    }

    deinit { names.deallocate() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Opens this directory again as the parent of one in it; false when it is not that any more.
    func reopen(from child: DirectoryFrame) -> Bool {
        let parent = openat(child.descriptor, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard parent >= 0 else { return false }
        guard let now = try? FileStatus.of(descriptor: parent, path: ""), now.inode == status.inode,
            now.device == status.device
        else {
            Glibc.close(parent)
            return false
        }
        descriptor = parent
        return true
    }

    /// The next name, valid as long as this frame.
    func nextName() -> UnsafeBufferPointer<UInt8>? {
        guard next < starts.count else { return nil }
        let start = starts[next]
        next += 1
        guard let base = names.baseAddress else { return nil }
        return UnsafeBufferPointer(
            start: base + start,
            count: strlen(UnsafeRawPointer(base + start).assumingMemoryBound(to: CChar.self))
        )
    }

    /// Whether an exception may bring back something below an ignored directory in this one.
    func mayHaveExceptions(_ rules: [IgnoreFile]) -> Bool {
        if let exceptions { return exceptions }
        let result = rules.contains { $0.rules.contains { $0.isException } }
        exceptions = result
        return result
    }

    private static func read(_ descriptor: Int32) throws(SystemError) -> [UInt8] {
        // fdopendir takes its descriptor over, and a dup would share the read position.
        let own = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0, let stream = fdopendir(own) else {
            let error = SystemError("list", "")
            if own >= 0 { Glibc.close(own) }
            throw error
        }
        defer { closedir(stream) }
        var text: [UInt8] = []
        Glibc.errno = 0
        while let entry = readdir(stream) {
            // SAFETY: the kernel ends d_name with a zero byte.
            withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                let name = UnsafeRawPointer(pointer).assumingMemoryBound(to: UInt8.self)
                let count = strlen(UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
                let isSpecial = name[0] == PathText.dot && (count == 1 || (count == 2 && name[1] == PathText.dot))
                if !isSpecial { text.append(contentsOf: UnsafeBufferPointer(start: name, count: count + 1)) }
            }
        }
        guard Glibc.errno == 0 else { throw SystemError("list", "") }
        return text
    }

    private static func sortedStarts(_ names: UnsafeBufferPointer<UInt8>) -> [Int] {
        guard let base = names.baseAddress else { return [] }
        let text = UnsafeRawPointer(base).assumingMemoryBound(to: CChar.self)
        var starts: [Int] = []
        var position = 0
        while position < names.count {
            starts.append(position)
            position += strlen(text + position) + 1
        }
        starts.sort { strcmp(text + $0, text + $1) < 0 }
        return starts
    }
}
