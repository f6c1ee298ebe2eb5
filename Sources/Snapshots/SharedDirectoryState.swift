internal import ContentStore
internal import FileSystem
internal import Layers
internal import OCI
internal import SystemPackage
internal import Tar

/// What is known of a cache directory that others have as well: the layers that it was shared as, and what it held then.
///
/// Without it, all of the directory is shared again.
struct SharedDirectoryState {
    /// Lowest first.
    let layers: [Layer]
    /// When it held that, in nanoseconds since 1970 by the filesystem's clock; what was changed later has a later time.
    let time: Int64
    /// All of it, as one layer would have it.
    let index: LayerIndex

    private static let header = "swiftbuild-shared-mount 1"
    private static let fileName = "shared"
    private static let indexName = "shared-index"

    init(_ layers: [Layer], at time: Int64, _ view: MergedView) {
        (self.layers, self.time) = (layers, time)
        // It belongs to the text beside it.
        let name = SHA256Hasher.digest(of: SharedDirectoryState.text(layers, time))
        index = LayerIndex(
            entries: view.files,
            diffID: name,
            tarSize: layers.reduce(0) { $0 + $1.blob.size }
        )
    }

    /// What stands beside the files of a cache; `nil` where nothing does, and where it is damaged.
    init?(_ directory: FilePath) {
        guard let bytes = try? FileOperations.readRegular(directory.appending(SharedDirectoryState.fileName)),
            let index = LayerIndex(path: directory.appending(SharedDirectoryState.indexName)),
            index.diffID == SHA256Hasher.digest(of: bytes)
        else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        guard lines.count > 2, lines[0] == SharedDirectoryState.header, let time = Int64(lines[1]) else { return nil }
        var layers: [Layer] = []
        for line in lines.dropFirst(2) {
            let words = line.split(separator: " ")
            guard words.count == 2, let diffID = Digest(hex: words[0]), let size = Int64(words[1]) else { return nil }
            layers.append(Layer(diffID: diffID, tarSize: size))
        }
        (self.layers, self.time, self.index) = (layers, time, index)
    }

    func write(to directory: FilePath, temporary: FilePath) throws {
        try index.write(to: directory.appending(SharedDirectoryState.indexName), temporary: temporary)
        try FileOperations.writeAtomically(
            Array(SharedDirectoryState.text(layers, time).utf8),
            to: directory.appending(SharedDirectoryState.fileName),
            temporary: temporary
        )
    }

    private static func text(_ layers: [Layer], _ time: Int64) -> String {
        ([header, "\(time)"] + layers.map { "\($0.diffID.hex) \($0.blob.size)" }).joined(separator: "\n") + "\n"
    }

    /// Whether all is better written anew than as one more change: layers are many, or hold mostly what was replaced.
    ///
    /// - Parameter size: Of the directory now, in bytes.
    func isWasteful(_ size: Int64) -> Bool {
        layers.count >= 12 || layers.reduce(0) { $0 + $1.blob.size } > 2 * size + (1 << 20)
    }
}

extension MergedView {
    /// The paths that exist, as one layer of them would list them.
    fileprivate var files: [LayerEntry] {
        struct Place: Hashable {
            let layer: Int
            let path: PathInRoot
        }
        var entries: [LayerEntry] = []
        var firstNames: [Place: PathInRoot] = [:]
        walk(.root) { node in
            var entry = node.entry
            if entry.isFile, let file = file(of: node) {
                let place = Place(layer: file.layer, path: file.entry.path)
                let first = firstNames[place]
                entry = file.entry
                entry.path = node.entry.path
                (entry.kind, entry.linkTarget) = (first == nil ? .regular : .hardLink, first?.bytes ?? [])
                firstNames[place] = first ?? entry.path
            }
            entries.append(entry)
            return true
        }
        return entries
    }
}
