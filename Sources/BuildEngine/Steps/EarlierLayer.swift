import FileSystem
import Layers
import OCI
import SystemPackage

/// The layer that the same step made last: where only some files have changed, the others are taken from it in large
/// pieces, instead of opening each.
final class EarlierLayer: Sendable {
    private let index: LayerIndex
    private let contents: LayerContents
    private let path: FilePath

    init(_ layer: Layer, in layers: LayerStore) throws {
        index = try layers.index(of: layer)
        contents = try layers.contents(of: layer)
        path = FilePath("layer \(layer.diffID)")
    }

    /// What one thread reads; it asks for items in their order.
    struct Reader: ~Copyable {
        private let layer: EarlierLayer
        /// Where the index was looked at last.
        private var cursor = 0
        /// The bytes of the tar that hold the prepared items.
        private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        private var span: Range<Int64> = 0..<0

        /// Bytes that are read at once for a batch of items, at most.
        private static let spanLimit: Int64 = 1 << 20

        init(_ layer: EarlierLayer) { self.layer = layer }

        deinit { memory.deallocate() }

        /// Reads what the layer has of some items, if it lies closely enough together.
        mutating func prepare(_ items: [CopyItem]) {
            span = 0..<0
            var wanted: Int64 = 0
            for item in items {
                guard let offset = offset(of: item) else { continue }
                let end = offset + item.entry.size
                span = span.isEmpty ? offset..<end : min(span.lowerBound, offset)..<max(span.upperBound, end)
                wanted += item.entry.size + 1024
            }
            guard !span.isEmpty, span.count <= min(Reader.spanLimit, 2 * wanted) else { return span = 0..<0 }
            if memory.count < span.count {
                memory.deallocate()
                memory = .allocate(byteCount: Int(Reader.spanLimit), alignment: 4096)
            }
            let piece = UnsafeMutableRawBufferPointer(rebasing: memory[..<span.count])
            let count = try? FileOperations.read(
                piece,
                from: layer.contents.descriptor,
                at: span.lowerBound,
                path: layer.path
            )
            if count != span.count { span = 0..<0 }
        }

        /// The content of an item; `nil` when the layer does not have it.
        mutating func content(of item: CopyItem) -> OpenContent? {
            guard let offset = offset(of: item) else { return nil }
            let range = offset..<offset + item.entry.size
            guard span.contains(range) else {
                return OpenContent(item, descriptor: layer.contents.descriptor, offset: offset, path: layer.path)
            }
            let start = Int(range.lowerBound - span.lowerBound)
            return OpenContent(item, bytes: UnsafeRawBufferPointer(rebasing: memory[start..<start + range.count]))
        }

        private mutating func offset(of item: CopyItem) -> Int64? {
            guard item.entry.size > 0, case .context = item.content, let digest = item.entry.contentDigest else {
                return nil
            }
            return layer.index.offset(of: item.entry.path, content: digest, cursor: &cursor)
        }
    }
}
