internal import FileSystem
internal import Glibc
internal import SystemPackage

/// Reads the lines of a file that others write and rotate, from its oldest part on, and what is added to it.
struct LineReader: ~Copyable {
    private let path: FilePath
    private var file: OpenFile?
    private var older: [FilePath]
    private var rest: [UInt8] = []

    /// - Parameter fileCount: How many files there may be, the one that is written among them.
    init(_ path: FilePath, fileCount: Int) {
        self.path = path
        older = (0..<max(fileCount, 1)).reversed().map { ContainerLog.path(path, number: $0) }
    }

    /// The lines that there are and were not read yet, oldest first and without their ends.
    mutating func next(_ body: ([UInt8]) throws -> Void) rethrows {
        while !older.isEmpty {
            let path = older.removeFirst()
            file = try? OpenFile(path)
            try readOpen(body)
        }
        try readOpen(body)
        guard hasRotated else { return }
        try readOpen(body)
        file = try? OpenFile(path)
        rest = []
        try readOpen(body)
    }

    /// Whether another file is written now.
    private var hasRotated: Bool {
        guard let current = FileStatus.ifPresent(path) else { return false }
        guard let file, let own = try? FileStatus.of(descriptor: file.descriptor, path: path) else { return true }
        return own.inode != current.inode
    }

    private mutating func readOpen(_ body: ([UInt8]) throws -> Void) rethrows {
        guard let file else { return }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(file.descriptor, &buffer, buffer.count)
            if count < 0, Errno.current == .interrupted { continue }
            guard count > 0 else { return }
            rest += buffer[..<count]
            var start = 0
            while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                try body(Array(rest[start..<end]))
                start = end + 1
            }
            rest.removeSubrange(..<start)
        }
    }
}
