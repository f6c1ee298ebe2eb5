internal import ContentStore
package import OCI

/// The text of a record file: `key value` lines and a last line with their checksum.
///
/// It exists so that listing images decodes no JSON. A file with anything unexpected in it is not a record.
package enum ImageRecord {
    package static func encode(_ image: StoredImage) -> [UInt8] {
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
        if !image.isComplete { line("layers", promised) }
        for reference in image.registryDigests { line("registry-digest", reference.description) }
        return Array((text + "checksum \(checksum(text.utf8))\n").utf8)
    }

    package static func decode(_ bytes: [UInt8], id: Digest) -> StoredImage? {
        guard bytes.last == UInt8(ascii: "\n"),
            let lastLine = bytes.dropLast().lastIndex(of: UInt8(ascii: "\n"))
        else { return nil }
        let body = bytes[...lastLine]
        guard bytes[(lastLine + 1)...].elementsEqual("checksum \(checksum(body))\n".utf8) else { return nil }
        var manifest: Digest?
        var (manifestSize, size): (Int64?, Int64?)
        var registryDigests: [ImageReference] = []
        var isComplete = true
        var (mediaType, created, os, architecture, variant): (String?, String?, String?, String?, String?)
        // By bytes: a store may list ten thousand images.
        for line in body.split(separator: UInt8(ascii: "\n")) {
            guard let blank = line.firstIndex(of: UInt8(ascii: " ")),
                let value = unescaped(line[(blank + 1)...])
            else { return nil }
            switch String(decoding: line[..<blank], as: UTF8.self) {
            case "manifest": manifest = try? Digest(parsing: value)
            case "manifest-size": manifestSize = Int64(value)
            case "media-type": mediaType = value
            case "created": created = value
            case "size": size = Int64(value)
            case "os": os = value
            case "architecture": architecture = value
            case "variant": variant = value
            case "layers": isComplete = value != promised
            case "registry-digest":
                if let reference = try? ImageReference(parsing: value) { registryDigests.append(reference) }
            default: break
            }
        }
        guard let manifest, let manifestSize, manifestSize >= 0, let mediaType, let size, let os, let architecture
        else { return nil }
        return StoredImage(
            id: id,
            manifest: Descriptor(mediaType: MediaType(rawValue: mediaType), digest: manifest, size: manifestSize),
            created: created.map { Timestamp(text: $0) },
            size: size,
            platform: Platform(os: os, architecture: architecture, variant: variant),
            registryDigests: registryDigests,
            isComplete: isComplete
        )
    }

    /// What the record of an image says whose layers are elsewhere.
    private static let promised = "promised"

    private static func checksum(_ text: some Collection<UInt8>) -> String {
        SHA256Hasher.digest(of: Array(text)).short
    }

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

    private static func unescaped(_ value: ArraySlice<UInt8>) -> String? {
        guard value.contains(UInt8(ascii: "%")) else { return String(decoding: value, as: UTF8.self) }
        return PercentCoding.decode(Array(value)).map { String(decoding: $0, as: UTF8.self) }
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
