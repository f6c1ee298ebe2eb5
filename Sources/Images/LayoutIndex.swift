internal import ContentStore
internal import FileSystem
internal import Glibc
internal import OCI
internal import SystemPackage

/// The `index.json` that lets other tools read the store as an OCI image layout; derived from names and records.
///
/// One descriptor is one line, sorted, so that a change of one name among thousands copies the other lines as they are.
/// A marker file says that names may have changed since: it is there from before the first change until the index is
/// written, so that after a process was killed the next one makes the index anew. The names lock must be held.
struct LayoutIndex {
    private let images: ImageStore
    private let path: FilePath
    private let marker: FilePath

    private static let header = #"{"schemaVersion":2,"mediaType":"\#(MediaType.imageIndex)","manifests":["#
    private static let footer = "]}\n"

    init(_ images: ImageStore) {
        self.images = images
        path = images.store.root.appending("index.json")
        marker = images.store[.locks].appending("index-changing")
    }

    /// Whether no change was begun that the file does not show.
    var isCurrent: Bool { FileStatus.ifPresent(marker) == nil && FileStatus.ifPresent(path) != nil }

    /// Whether the file is an index, if it is there at all.
    var isWhole: Bool {
        guard FileStatus.ifPresent(path) != nil else { return true }
        return (try? FileOperations.readRegular(path)).flatMap { try? ManifestDocument.index($0, mediaType: nil) }
            != nil
    }

    /// Notes that the file is about to be out of date.
    func invalidate() throws { _ = try OwnedDescriptor(marker, O_WRONLY | O_CREAT | O_NONBLOCK, 0o644) }

    /// Writes the file from all names and records.
    func rebuild() throws {
        var contents: [Digest: NamedContent?] = [:]
        var lines: [[UInt8]] = []
        for (name, id) in try images.allNames() {
            let known = contents[id] ?? images.named(id)
            contents[id] = .some(known)
            if let known { lines += LayoutIndex.lines(name, known) }
        }
        try write(lines.sorted { $0.lexicographicallyPrecedes($1) })
    }

    /// Writes the file with some names changed.
    func update(_ changes: [(name: ImageName, content: NamedContent?)]) throws {
        // Each line is compared with each change.
        guard changes.count < 100 else { return try rebuild() }
        let bytes = try FileOperations.readRegular(path)
        guard let old = LayoutIndex.split(bytes) else { return try rebuild() }
        let removed = changes.map { LayoutIndex.prefix($0.name) }
        var added = changes.flatMap { change in change.content.map { LayoutIndex.lines(change.name, $0) } ?? [] }
            .sorted { $0.lexicographicallyPrecedes($1) }[...]
        var output = Array((LayoutIndex.header + "\n").utf8)
        output.reserveCapacity(bytes.count + 4096)
        var isFirst = true
        func append(_ line: UnsafeRawBufferPointer) {
            if !isFirst { output += [UInt8(ascii: ","), UInt8(ascii: "\n")] }
            isFirst = false
            output.append(contentsOf: line)
        }
        bytes.withUnsafeBytes { all in
            for range in old {
                let line = UnsafeRawBufferPointer(rebasing: all[range])
                if removed.contains(where: { LayoutIndex.hasPrefix(line, $0) }) { continue }
                while let next = added.first, LayoutIndex.isOrderedBefore(next, line) {
                    next.withUnsafeBytes(append)
                    added.removeFirst()
                }
                append(line)
            }
        }
        for line in added { line.withUnsafeBytes(append) }
        if !isFirst { output.append(UInt8(ascii: "\n")) }
        try finish(output + Array(LayoutIndex.footer.utf8))
    }

    /// What the file has under a name; `nil` also where it may be out of date.
    func document(of name: ImageName) -> Descriptor? {
        guard FileStatus.ifPresent(marker) == nil, let bytes = try? FileOperations.readRegular(path),
            let lines = LayoutIndex.split(bytes)
        else { return nil }
        let prefix = LayoutIndex.prefix(name)
        let line = bytes.withUnsafeBytes { all in
            lines.first { LayoutIndex.hasPrefix(UnsafeRawBufferPointer(rebasing: all[$0]), prefix) }
        }
        return line.flatMap { try? ManifestDocument.decode(Descriptor.self, Array(bytes[$0]), "`index.json`") }
    }

    /// Everything that the file has under a name; nothing where it may be out of date.
    func documents() -> [(name: ImageName, document: Descriptor)] {
        guard FileStatus.ifPresent(marker) == nil, let bytes = try? FileOperations.readRegular(path),
            let index = try? ManifestDocument.index(bytes, mediaType: nil)
        else { return [] }
        return index.manifests.compactMap { document in
            document.annotations?[Annotation.imageName].flatMap(ImageName.init(full:)).map { ($0, document) }
        }
    }

    private func write(_ lines: [[UInt8]]) throws {
        var output = Array((LayoutIndex.header + "\n").utf8)
        output += Array(lines.joined(separator: [UInt8(ascii: ","), UInt8(ascii: "\n")]))
        if !lines.isEmpty { output.append(UInt8(ascii: "\n")) }
        try finish(output + Array(LayoutIndex.footer.utf8))
    }

    private func finish(_ bytes: [UInt8]) throws {
        try FileOperations.writeAtomically(bytes, to: path, temporary: images.store[.temporary])
        try FileOperations.remove(marker)
    }

    /// The descriptors of one name: with its tag, and without it where the tag is `latest`.
    private static func lines(_ name: ImageName, _ content: NamedContent) -> [[UInt8]] {
        // A digest is found by itself; a tool that reads layouts could not use such a name.
        // Nor one whose layers are elsewhere.
        guard name.reference.digest == nil, content.isComplete else { return [] }
        let short = name.reference.tag == "latest" ? [name.reference.familiarRepository] : []
        return (short + [name.reference.familiar]).map { reference in
            prefix(name)
                + Array(
                    (#""\#(Annotation.referenceName)":\#(JSONText.quoted(reference))},"digest":"\#(content.document.digest)","#
                        + #""mediaType":\#(JSONText.quoted(content.document.mediaType.rawValue)),"size":\#(content.document.size)}"#)
                        .utf8
                )
        }
    }

    /// How every line of one name begins, and no line of another.
    private static func prefix(_ name: ImageName) -> [UInt8] {
        Array(#"{"annotations":{"\#(Annotation.imageName)":\#(JSONText.quoted(name.full)),"#.utf8)
    }

    /// The ranges of the lines without their commas; `nil` when the file was not written by this code.
    private static func split(_ bytes: [UInt8]) -> [Range<Int>]? {
        let header = Array((LayoutIndex.header + "\n").utf8)
        let footer = Array(LayoutIndex.footer.utf8)
        guard bytes.starts(with: header), bytes.count >= header.count + footer.count,
            bytes[(bytes.count - footer.count)...].elementsEqual(footer)
        else { return nil }
        let end = bytes.count - footer.count
        var ranges: [Range<Int>] = []
        return bytes.withUnsafeBytes { all -> [Range<Int>]? in
            var start = header.count
            while start < end, let base = all.baseAddress {
                guard let found = memchr(base + start, Int32(UInt8(ascii: "\n")), end - start) else { return nil }
                let newline = UnsafeRawPointer(found) - base
                let isLast = newline + 1 == end
                guard newline - start > 2, all[start] == UInt8(ascii: "{"),
                    isLast || all[newline - 1] == UInt8(ascii: ",")
                else { return nil }
                ranges.append(start..<(isLast ? newline : newline - 1))
                start = newline + 1
            }
            return ranges
        }
    }

    private static func hasPrefix(_ line: UnsafeRawBufferPointer, _ prefix: [UInt8]) -> Bool {
        guard line.count >= prefix.count, let base = line.baseAddress else { return false }
        return prefix.withUnsafeBytes { other in other.baseAddress.map { memcmp(base, $0, prefix.count) == 0 } ?? true }
    }

    private static func isOrderedBefore(_ left: [UInt8], _ right: UnsafeRawBufferPointer) -> Bool {
        guard let base = right.baseAddress else { return false }
        let order = left.withUnsafeBytes { bytes in
            bytes.baseAddress.map { memcmp($0, base, min(bytes.count, right.count)) } ?? 0
        }
        return order == 0 ? left.count < right.count : order < 0
    }
}

/// JSON written by hand, where a document is larger than an encoder should see.
enum JSONText {
    static func quoted(_ text: String) -> String {
        let digits = Array("0123456789abcdef".unicodeScalars)
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                result += "\\u00"
                result.unicodeScalars.append(digits[Int(scalar.value >> 4)])
                result.unicodeScalars.append(digits[Int(scalar.value & 15)])
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
