/// One member of a tar archive, and a reader and a writer that share no code with the builder's.
struct TarEntry: Sendable, Equatable {
    enum Kind: UInt8, Sendable {
        case file = 0x30
        case hardLink = 0x31
        case symbolicLink = 0x32
        case characterDevice = 0x33
        case directory = 0x35
        case fifo = 0x36
    }

    /// As it stands in the archive.
    var name: String
    var kind: Kind
    var mode = 0o644
    var user = 0
    var group = 0
    var modified = 0
    var link = ""
    var content: [UInt8] = []
    /// The extended header's records other than those for the fields above.
    var records: [String: String] = [:]

    static func file(_ name: String, _ text: String, mode: Int = 0o644, user: Int = 0, group: Int = 0) -> TarEntry {
        TarEntry(name: name, kind: .file, mode: mode, user: user, group: group, content: Array(text.utf8))
    }

    static func directory(_ name: String, mode: Int = 0o755, user: Int = 0, group: Int = 0) -> TarEntry {
        TarEntry(name: name, kind: .directory, mode: mode, user: user, group: group)
    }

    static func symbolicLink(_ name: String, to target: String) -> TarEntry {
        TarEntry(name: name, kind: .symbolicLink, mode: 0o777, link: target)
    }

    static func hardLink(_ name: String, to target: String) -> TarEntry {
        TarEntry(name: name, kind: .hardLink, link: target)
    }

    /// The path from the root: `./etc/` becomes `/etc`.
    var path: String {
        // Nearly all names are clean, and without optimisation the rest takes long.
        guard name.hasPrefix(".") || name.hasPrefix("/") else {
            return "/" + (name.hasSuffix("/") ? String(name.dropLast()) : name)
        }
        return "/" + name.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    var text: String { String(decoding: content, as: UTF8.self) }

    /// `d755 0:0 /etc`, `-644 0:0 /etc/passwd`, `l /bin/sh -> busybox`.
    var listing: String {
        let owner = "\(user):\(group)"
        switch kind {
        case .directory: return "d\(String(mode, radix: 8)) \(owner) \(path)"
        case .file: return "-\(String(mode, radix: 8)) \(owner) \(path)"
        case .symbolicLink: return "l \(path) -> \(link)"
        case .hardLink: return "h \(path) => \(TarEntry(name: link, kind: .file).path)"
        case .fifo: return "p\(String(mode, radix: 8)) \(owner) \(path)"
        case .characterDevice: return "c\(String(mode, radix: 8)) \(owner) \(path)"
        }
    }
}

enum TarArchive {
    /// The members of an archive without compression.
    static func read(_ bytes: [UInt8]) throws -> [TarEntry] {
        var entries: [TarEntry] = []
        var records: [String: String] = [:]
        var offset = 0
        while offset + 512 <= bytes.count, bytes[offset] != 0 {
            let header = Array(bytes[offset..<offset + 512])
            func text(_ range: Range<Int>) -> String {
                String(
                    decoding: header[range].prefix { $0 != 0 },
                    as: UTF8.self
                )
            }
            func number(_ range: Range<Int>) -> Int {
                Int(text(range).split(separator: " ").first ?? "0", radix: 8) ?? 0
            }
            let size = records["size"].flatMap { Int($0) } ?? number(124..<136)
            let type = header[156]
            guard offset + 512 + size <= bytes.count else {
                throw TestFailure("a tar archive ends within \(text(0..<100))")
            }
            let content = Array(bytes[offset + 512..<offset + 512 + size])
            offset += 512 + (size + 511) / 512 * 512
            if type == UInt8(ascii: "x") {
                records = extendedRecords(content)
                continue
            }
            guard let kind = TarEntry.Kind(rawValue: type == 0 ? 0x30 : type) else {
                throw TestFailure("unknown type \(type) in a tar archive")
            }
            let prefix = text(345..<500)
            entries.append(
                TarEntry(
                    name: records["path"] ?? (prefix.isEmpty ? "" : prefix + "/") + text(0..<100),
                    kind: kind,
                    // Docker puts the kind of file into the mode.
                    mode: number(100..<108) & 0o7777,
                    user: records["uid"].flatMap { Int($0) } ?? number(108..<116),
                    group: records["gid"].flatMap { Int($0) } ?? number(116..<124),
                    modified: number(136..<148),
                    link: records["linkpath"] ?? text(157..<257),
                    content: content,
                    records: records.filter { !["path", "linkpath", "uid", "gid", "size"].contains($0.key) }
                )
            )
            records = [:]
        }
        return entries
    }

    private static func extendedRecords(_ content: [UInt8]) -> [String: String] {
        var records: [String: String] = [:]
        var rest = content[...]
        while let blank = rest.firstIndex(of: 0x20), let length = Int(String(decoding: rest[..<blank], as: UTF8.self)) {
            let record = String(decoding: rest[blank + 1..<rest.startIndex + length - 1], as: UTF8.self)
            let parts = record.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            records[String(parts[0])] = String(parts[1])
            rest = rest[(rest.startIndex + length)...]
        }
        return records
    }

    /// A ustar archive with exactly the given names, however wrong they are.
    static func write(_ entries: [TarEntry]) -> [UInt8] {
        var bytes: [UInt8] = []
        for entry in entries {
            var header = [UInt8](repeating: 0, count: 512)
            func put(_ text: String, at offset: Int) {
                header.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
            }
            func octal(_ value: Int, _ digits: Int) -> String {
                let text = String(value, radix: 8)
                return String(repeating: "0", count: digits - text.count) + text
            }
            put(entry.name, at: 0)
            put(octal(entry.mode, 7), at: 100)
            put(octal(entry.user, 7), at: 108)
            put(octal(entry.group, 7), at: 116)
            put(octal(entry.content.count, 11), at: 124)
            put(octal(entry.modified, 11), at: 136)
            put("        ", at: 148)
            header[156] = entry.kind.rawValue
            put(entry.link, at: 157)
            put("ustar", at: 257)
            put("00", at: 263)
            if entry.kind == .characterDevice {
                put(octal(1, 7), at: 329)
                put(octal(3, 7), at: 337)
            }
            put(octal(header.reduce(0) { $0 + Int($1) }, 6), at: 148)
            header[154] = 0
            bytes += header + entry.content
            bytes += [UInt8](repeating: 0, count: (512 - entry.content.count % 512) % 512)
        }
        return bytes + [UInt8](repeating: 0, count: 1024)
    }
}
