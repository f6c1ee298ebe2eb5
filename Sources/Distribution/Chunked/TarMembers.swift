internal import FileSystem
internal import OCI
internal import SystemPackage

/// Reads the headers of a tar as Go's `archive/tar` does, with which the readers of the formats compare theirs.
struct TarMembers {
    /// The tar has something that tables of contents cannot say, or that Go's reader understands in another way.
    struct Undescribable: Error {}

    private let descriptor: Int32
    private let path: FilePath
    private var offset: Int64 = 0
    private(set) var members: [TarMember] = []
    /// What headers before the one of a member say about it.
    private var records: [String: [UInt8]] = [:]
    private var longName: [UInt8]?
    private var longLink: [UInt8]?
    private var start: Int64?

    private static let extensionLimit: Int64 = 1 << 20

    /// - Parameter path: For messages.
    /// - Throws: `Undescribable`, `SystemError`.
    static func read(_ descriptor: Int32, path: FilePath) throws -> [TarMember] {
        var reader = TarMembers(descriptor: descriptor, path: path)
        while let header = try reader.header() { try reader.take(header) }
        guard reader.start == nil else { throw Undescribable() }
        // Readers have one entry for a path.
        guard Set(reader.members.map(\.name)).count == reader.members.count else { throw Undescribable() }
        return reader.members
    }

    private init(descriptor: Int32, path: FilePath) { (self.descriptor, self.path) = (descriptor, path) }

    private func bytes(_ count: Int, at offset: Int64) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, read in
            read = try FileOperations.read(
                UnsafeMutableRawBufferPointer(buffer),
                from: descriptor,
                at: offset,
                path: path
            )
        }
    }

    /// The next header; `nil` at the end.
    private func header() throws -> TarHeader? {
        let block = try bytes(512, at: offset)
        if block.isEmpty || block.count == 512 && block.allSatisfy({ $0 == 0 }) { return nil }
        guard let header = TarHeader(block) else { throw Undescribable() }
        return header
    }

    private mutating func take(_ header: TarHeader) throws {
        guard let size = header.size, size >= 0 else { throw Undescribable() }
        let begin = start ?? offset
        switch header.type {
        case UInt8(ascii: "x"): try addRecords(try payload(size))
        case UInt8(ascii: "L"): longName = try Self.text(try payload(size))
        case UInt8(ascii: "K"): longLink = try Self.text(try payload(size))
        default:
            let member = try member(header, from: begin, size)
            members.append(member)
            offset = member.end
            (records, longName, longLink, start) = ([:], nil, nil, nil)
            return
        }
        start = begin
        offset += 512 + (size + 511) / 512 * 512
    }

    private static func text(_ bytes: [UInt8]) throws -> [UInt8] {
        guard let end = bytes.firstIndex(of: 0) else { return bytes }
        return Array(bytes[..<end])
    }

    /// What an extended header holds.
    private func payload(_ size: Int64) throws -> [UInt8] {
        guard size <= Self.extensionLimit else { throw Undescribable() }
        let payload = try bytes(Int(size), at: offset + 512)
        guard payload.count == Int(size) else { throw Undescribable() }
        return payload
    }

    /// Takes `LENGTH NAME=VALUE` and a newline, as often as they come (pax(1), "Extended Header").
    private mutating func addRecords(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let blank = rest.firstIndex(of: UInt8(ascii: " ")),
                let length = Int(String(decoding: rest[..<blank], as: UTF8.self)), length <= rest.count,
                length > blank - rest.startIndex + 2
            else { throw Undescribable() }
            let record = rest[(blank + 1)..<(rest.startIndex + length)]
            guard record.last == UInt8(ascii: "\n"), let equals = record.firstIndex(of: UInt8(ascii: "=")),
                let name = String(validating: record[..<equals], as: UTF8.self), !name.hasPrefix("GNU.sparse")
            else { throw Undescribable() }
            records[name] = Array(record[(equals + 1)...].dropLast())
            rest = rest[(rest.startIndex + length)...]
        }
    }

    private func record(_ name: String) throws -> String? {
        guard let value = records[name], !value.isEmpty else { return nil }
        guard let text = String(validating: value, as: UTF8.self) else { throw Undescribable() }
        return text
    }

    private func number(_ name: String, _ field: Int64?) throws -> Int64 {
        guard let text = try record(name) else {
            guard let field else { throw Undescribable() }
            return field
        }
        guard let value = Int64(text) else { throw Undescribable() }
        return value
    }

    private func time(_ name: String) throws -> TarMember.Time? {
        guard let text = try record(name) else { return nil }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let seconds = Int64(parts[0]) else { throw Undescribable() }
        guard parts.count == 2 else { return TarMember.Time(seconds: seconds) }
        let digits = parts[1].prefix(9)
        guard let fraction = Int64(digits + String(repeating: "0", count: 9 - digits.count)), fraction >= 0,
            !text.hasPrefix("-")
        else { throw Undescribable() }
        return TarMember.Time(seconds: seconds, nanoseconds: fraction)
    }

    private func member(_ header: TarHeader, from begin: Int64, _ size: Int64) throws -> TarMember {
        func text(_ bytes: [UInt8]) throws -> String {
            guard let text = String(validating: bytes, as: UTF8.self) else { throw Undescribable() }
            return text
        }
        let name = try longName.map(text) ?? record("path") ?? text(header.name)
        guard let kind = header.kind(name) else { throw Undescribable() }
        let size = try number("size", size)
        guard size >= 0, kind == .regular || size == 0, size <= Int64.max / 2 - offset else { throw Undescribable() }
        var attributes: [String: [UInt8]] = [:]
        let prefix = "SCHILY.xattr."
        for (key, value) in records where key.hasPrefix(prefix) {
            attributes[String(key.dropFirst(prefix.count))] = value
        }
        guard let mode = header.mode, let major = header.deviceMajor, let minor = header.deviceMinor,
            let modified = try time("mtime") ?? header.modified.map({ TarMember.Time(seconds: $0) })
        else { throw Undescribable() }
        return TarMember(
            kind: kind,
            name: name,
            linkTarget: try longLink.map(text) ?? record("linkpath") ?? text(header.linkTarget),
            mode: mode,
            userID: try number("uid", header.userID),
            groupID: try number("gid", header.groupID),
            userName: try record("uname") ?? text(header.userName),
            groupName: try record("gname") ?? text(header.groupName),
            deviceMajor: major,
            deviceMinor: minor,
            modified: modified,
            accessed: try time("atime"),
            changed: try time("ctime"),
            attributes: attributes,
            start: begin,
            content: offset + 512,
            size: size
        )
    }
}
