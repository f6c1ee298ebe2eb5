internal import CLinux
internal import Glibc
public import SystemPackage

/// The names in one directory without `.` and `..`, sorted by their bytes and kept in one piece of memory.
public struct DirectoryNames: Sendable {
    /// All names, each with a zero byte after it.
    @usableFromInline private(set) var text: [UInt8] = []
    /// Where each name starts, in the order of the names.
    @usableFromInline private(set) var starts: [UInt32] = []

    /// Reads an open directory from its beginning; the descriptor stays open.
    ///
    /// - Throws: `SystemError`, naming `path`, which is made up only then.
    public init(_ descriptor: Int32, path: @autoclosure () -> FilePath) throws(SystemError) {
        guard try readEntries(descriptor, path()) else { return }
        text.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else { return }
            var position = 0
            while position < bytes.count {
                starts.append(UInt32(position))
                position += strlen(base + position) + 1
            }
            starts.sort { strcmp(base + Int($0), base + Int($1)) < 0 }
        }
    }

    /// One name that was not read from a directory.
    public init(_ name: some Collection<UInt8>) {
        text = Array(name) + [0]
        starts = [0]
    }

    public var count: Int { starts.count }

    /// Calls `body` with the name at a position, which has a zero byte after its end.
    // Inlined where it is called, since as a call of a generic function it takes longer than `body`.
    @inlinable
    public func withName<Result, Failure: Error>(
        _ position: Int,
        _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let start = Int(starts[position])
        return try text.withUnsafeBufferPointer { (buffer) throws(Failure) -> Result in
            var end = start
            while buffer[end] != 0 { end += 1 }
            return try body(UnsafeBufferPointer(rebasing: buffer[start..<end]))
        }
    }

    /// How the name at a position stands to one of another directory in the order of their bytes, as with `strcmp`.
    public func order(_ position: Int, _ other: DirectoryNames, _ otherPosition: Int) -> Int32 {
        text.withUnsafeBytes { mine in
            other.text.withUnsafeBytes { others in
                guard let name = mine.baseAddress?.assumingMemoryBound(to: CChar.self),
                    let otherName = others.baseAddress?.assumingMemoryBound(to: CChar.self)
                else { return 0 }
                return strcmp(name + Int(starts[position]), otherName + Int(other.starts[otherPosition]))
            }
        }
    }

    /// The name at a position, with a zero byte after its end.
    public func zeroTerminated(_ position: Int) -> [CChar] {
        withName(position) { name in name.map { CChar(bitPattern: $0) } + [0] }
    }

    /// The name at a position.
    public subscript(position: Int) -> [UInt8] { withName(position) { Array($0) } }

    /// Appends everything but `.` and `..`; whether there was anything.
    private mutating func readEntries(_ descriptor: Int32, _ path: @autoclosure () -> FilePath) throws(SystemError)
        -> Bool
    {
        var failure: Errno?
        lseek(descriptor, 0, SEEK_SET)
        withUnsafeTemporaryAllocation(byteCount: 1 << 15, alignment: 16) { buffer in
            while true {
                let count = sb_getdents64(descriptor, buffer.baseAddress, buffer.count)
                if count < 0 { failure = Errno.current }
                guard count > 0 else { return }
                append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        }
        if let failure { throw SystemError("list", path(), errno: failure) }
        return !text.isEmpty
    }

    /// Takes the names out of what `getdents64` gave: inode and offset, 8 bytes each, the record's length in 2, a type.
    private mutating func append(_ records: UnsafeRawBufferPointer) {
        var position = 0
        while position + 19 < records.count {
            let length = Int(records.loadUnaligned(fromByteOffset: position + 16, as: UInt16.self))
            let name = records[(position + 19)..<min(position + max(length, 20), records.count)].prefix { $0 != 0 }
            if !name.elementsEqual([UInt8(ascii: ".")]), !name.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")]) {
                text.append(contentsOf: name)
                text.append(0)
            }
            position += max(length, 20)
        }
    }
}
