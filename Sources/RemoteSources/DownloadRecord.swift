internal import ContentStore
internal import FileSystem
internal import OCI
internal import RemoteAddresses
internal import SystemPackage

/// What is remembered of a download, as lines of text; anything damaged is as good as nothing.
struct DownloadRecord {
    /// The `ETag` field.
    let tag: String?
    /// The `Last-Modified` field.
    let lastModified: String?
    let digest: Digest
    let size: Int64

    private static let format = "swiftbuild-download 1"

    /// By the address without credentials, so that none can be found out from the name.
    static func path(of address: WebAddress, in store: Store) -> FilePath {
        store[.sources].appending("http-" + SHA256Hasher.digest(of: "\(address)").hex)
    }

    init(tag: String?, lastModified: String?, digest: Digest, size: Int64) {
        self.tag = tag
        self.lastModified = lastModified
        self.digest = digest
        self.size = size
    }

    init?(path: FilePath) {
        guard let bytes = try? FileOperations.readRegular(path, limit: 1 << 16) else { return nil }
        var fields: [Substring: String] = [:]
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        guard lines.first == DownloadRecord.format[...] else { return nil }
        for line in lines.dropFirst() {
            let parts = line.split(separator: " ", maxSplits: 1)
            if parts.count == 2 { fields[parts[0]] = String(parts[1]) }
        }
        guard let digest = fields["content"].flatMap({ Digest(hex: $0[...]) }),
            let size = fields["size"].flatMap({ Int64($0) })
        else { return nil }
        self.init(tag: fields["etag"], lastModified: fields["last-modified"], digest: digest, size: size)
    }

    func write(to path: FilePath, in store: Store) throws {
        var lines = [DownloadRecord.format, "content \(digest.hex)", "size \(size)"]
        if let tag, !tag.contains("\n") { lines.append("etag \(tag)") }
        if let lastModified, !lastModified.contains("\n") { lines.append("last-modified \(lastModified)") }
        try FileOperations.writeAtomically(
            Array((lines.joined(separator: "\n") + "\n").utf8),
            to: path,
            temporary: store[.temporary]
        )
    }

    /// `lastModified` in seconds since 1970; 0 where there is none.
    var modified: Int64 { lastModified.flatMap(HTTPDate.init)?.seconds ?? 0 }
}

/// A date as servers write it: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
struct HTTPDate {
    /// Since 1970.
    let seconds: Int64

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let day = Int64(words[1]), (1...31).contains(day),
            let month = HTTPDate.months.firstIndex(of: String(words[2])), let year = Int64(words[3]),
            (1970...9999).contains(year)
        else { return nil }
        let time = words[4].split(separator: ":").map { Int64($0) }
        guard time.count == 3, let hour = time[0], let minute = time[1], let second = time[2],
            (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second)
        else { return nil }
        // Days from a year that begins with March, so that the leap day is the last one.
        let shifted = Int64(month) + 1 > 2 ? year : year - 1
        let dayOfYear = (153 * (Int64(month + 10) % 12) + 2) / 5 + day - 1
        let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
        seconds = days * 86_400 + hour * 3600 + minute * 60 + second
    }
}
