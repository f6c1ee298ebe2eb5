import BuildCache
import BuildRecords
import ContentStore
import Images
import Layers
import OCI
import Tar

/// What lies in a store, of which anything may be damaged: the first byte says which kind of file it is.
///
/// Checksums are added, so that what is behind them is reached, too.
enum StoreRecords {
    static func take(_ bytes: [UInt8]) {
        guard let kind = bytes.first else { return }
        let content = Array(bytes.dropFirst())
        switch kind % 5 {
        case 0: image(content)
        case 1: name(content)
        case 2: step(content)
        case 3: build(content)
        default: index(content)
        }
    }

    private static func image(_ content: [UInt8]) {
        let id = SHA256Hasher.digest(of: content)
        let body = content + [0x0A]
        _ = ImageRecord.decode(content, id: id)
        _ = ImageRecord.decode(body + Array("checksum \(SHA256Hasher.digest(of: body).short)\n".utf8), id: id)
    }

    private static func name(_ content: [UInt8]) {
        let lines = content.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
        let rest = lines.count > 1 ? Array(lines[1]) : []
        guard let (name, id) = ImageName.parse(fileName: Array(lines[0]), content: rest) else { return }
        precondition(
            ImageName.parse(fileName: Array(name.fileName.utf8), content: name.fileContent(id))?.name == name,
            "a name is read as it is written"
        )
    }

    private static func step(_ content: [UInt8]) {
        let body = content + [0x0A]
        for bytes in [content, body + Array("sum \(SHA256Hasher.digest(of: body).hex)\n".utf8)] {
            _ = CacheRecord(decoding: bytes) { SHA256Hasher.digest(of: $0) }
            _ = CacheRecord(decoding: bytes, for: StepKey([])) { SHA256Hasher.digest(of: $0) }
        }
    }

    private static func build(_ content: [UInt8]) {
        let id = BuildRecord.ID(nanoseconds: 1_700_000_000_000_000_000)
        let body = content + [0x0A]
        _ = BuildRecord(decoding: content, id: id)
        _ = BuildRecord(decoding: body + Array("sum \(SHA256Hasher.digest(of: body).hex)\n".utf8), id: id)
    }

    private static func index(_ content: [UInt8]) {
        guard let index = LayerIndex(completing: content) else { return }
        let view = MergedView(layers: [index, index])
        for position in 0..<index.count {
            let entry = index[position]
            _ = view.node(at: entry.path)
            _ = view.file(of: entry, inLayer: 1)
            _ = try? view.resolve(entry.path)
        }
        view.walk(.root) { _ in true }
        _ = index.dependsOnLayersBelow
    }
}
