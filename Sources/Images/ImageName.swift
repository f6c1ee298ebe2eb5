internal import ContentStore
package import OCI

/// A name of the store: a repository with a tag, or with a digest, never both.
package struct ImageName: Hashable, Comparable, Sendable {
    let reference: ImageReference
    /// The full name, such as `docker.io/library/simple:latest`.
    let full: String

    /// Linux allows 255 bytes in a file name, a reference may be longer.
    private static let longestFileName = 240

    /// A reference with both tag and digest names the digest, as in `docker pull`.
    init(_ reference: ImageReference) {
        guard let digest = reference.digest, reference.tag != nil,
            let plain = try? ImageReference(parsing: "\(reference.registry)/\(reference.repository)@\(digest)")
        else {
            self.reference = reference
            full = reference.description
            return
        }
        self.reference = plain
        full = plain.description
    }

    init?(full: String) {
        guard let reference = try? ImageReference(parsing: full), reference.description == full else { return nil }
        self.reference = reference
        self.full = full
    }

    /// The name of the file in `names-v1`: slashes as `%2F`; a digest of the name where it is too long.
    package var fileName: String {
        var result = ""
        for character in full.unicodeScalars {
            if character == "/" { result += "%2F" } else { result.unicodeScalars.append(character) }
        }
        return result.utf8.count <= ImageName.longestFileName ? result : "%" + SHA256Hasher.digest(of: full).hex
    }

    /// The content of the file: the image's ID, and the name where the file's name does not show it.
    package func fileContent(_ id: Digest) -> [UInt8] {
        Array("\(id)\n".utf8) + (fileName.hasPrefix("%") ? Array("\(full)\n".utf8) : [])
    }

    /// Reads what `fileName` and `fileContent` wrote; `nil` for any other file.
    package static func parse(fileName: [UInt8], content: [UInt8]) -> (name: ImageName, id: Digest)? {
        let lines = content.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
        guard let id = lines.first.flatMap({ try? Digest(parsing: $0) }) else { return nil }
        if fileName.first == UInt8(ascii: "%"), lines.count == 2 {
            return ImageName(full: lines[1]).map { ($0, id) }
        }
        guard let full = PercentCoding.decode(fileName) else { return nil }
        return ImageName(full: String(decoding: full, as: UTF8.self)).map { ($0, id) }
    }

    /// Tags before digests, then by text.
    package static func < (left: ImageName, right: ImageName) -> Bool {
        let (leftIsDigest, rightIsDigest) = (left.reference.digest != nil, right.reference.digest != nil)
        return leftIsDigest == rightIsDigest ? left.full < right.full : rightIsDigest
    }
}
