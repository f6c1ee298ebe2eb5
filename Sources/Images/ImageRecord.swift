internal import ContentStore
internal import OCI

/// The text of a record file: `key value` lines and a last line with their checksum.
///
/// It exists so that listing images decodes no JSON. A file with anything unexpected in it is no record.
enum ImageRecord {
    static func encode(_ image: StoredImage) -> [UInt8] {
        var text = ""
        func line(_ key: String, _ value: String) { text += "\(key) \(escaped(value))\n" }
        line("manifest", "\(image.manifest.digest)")
        line("manifest-size", "\(image.manifest.size)")
        line("media-type", image.manifest.mediaType.rawValue)
        if let created = image.created { line("created", created.description) }
        line("size", "\(image.size)")
        line("os", image.platform.os)
        line("architecture", image.platform.architecture)
        if let variant = image.platform.variant { line("variant", variant) }
        return Array((text + "checksum \(checksum(text))\n").utf8)
    }

    static func decode(_ bytes: [UInt8], id: Digest) -> StoredImage? {
        guard bytes.last == UInt8(ascii: "\n"),
            let lastLine = bytes.dropLast().lastIndex(of: UInt8(ascii: "\n"))
        else { return nil }
        let text = String(decoding: bytes[...lastLine], as: UTF8.self)
        guard String(decoding: bytes[(lastLine + 1)...], as: UTF8.self) == "checksum \(checksum(text))\n" else {
            return nil
        }
        var values: [Substring: String] = [:]
        for line in text.split(separator: "\n") {
            guard let space = line.firstIndex(of: " "), let value = unescaped(line[line.index(after: space)...].utf8)
            else { return nil }
            values[line[..<space]] = value
        }
        guard let digest = values["manifest"].flatMap({ try? Digest(parsing: $0) }),
            let manifestSize = values["manifest-size"].flatMap({ Int64($0) }), manifestSize >= 0,
            let mediaType = values["media-type"], let size = values["size"].flatMap({ Int64($0) }),
            let os = values["os"], let architecture = values["architecture"]
        else { return nil }
        return StoredImage(
            id: id,
            manifest: Descriptor(mediaType: MediaType(rawValue: mediaType), digest: digest, size: manifestSize),
            created: values["created"].map { Timestamp(text: $0) },
            size: size,
            platform: Platform(os: os, architecture: architecture, variant: values["variant"])
        )
    }

    private static func checksum(_ text: String) -> String { SHA256Hasher.digest(of: text).short }

    /// Values come from images of strangers and may hold anything.
    private static func escaped(_ value: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        for byte in value.utf8 {
            if byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "%") {
                result.append(byte)
            } else {
                result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func unescaped(_ value: Substring.UTF8View) -> String? {
        PercentCoding.decode(Array(value)).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// Percent-decoding, as in URLs.
enum PercentCoding {
    static func decode(_ text: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var position = 0
        while position < text.count {
            guard text[position] == UInt8(ascii: "%") else {
                result.append(text[position])
                position += 1
                continue
            }
            guard position + 2 < text.count, let high = digit(text[position + 1]), let low = digit(text[position + 2])
            else { return nil }
            result.append(high << 4 | low)
            position += 3
        }
        return result
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
