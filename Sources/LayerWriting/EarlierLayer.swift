import FileSystem
public import Layers
import SystemPackage
import Tar

/// The layer that the same step made last: where only some files have changed, the others are taken from it in large
/// pieces, instead of opening each.
public final class EarlierLayer: Sendable {
    private let index: LayerIndex
    private let contents: LayerContents
    private let path: FilePath

    /// - Throws: What `LayerStore` throws for a layer that is not there.
    public init(_ layer: Layer, in layers: LayerStore) throws {
        index = try layers.index(of: layer)
        contents = try layers.contents(of: layer)
        path = FilePath("layer \(layer.diffID)")
    }

    /// Finds what the layer has of the entries of a new one.
    var comparison: LayerComparison { LayerComparison(with: index) }

    /// Copies members that did not change.
    func copy(_ slice: LayerSlice, to part: LayerPart) throws {
        let piece = part.append(slice)
        let count = try FileOperations.read(piece, from: contents.descriptor, at: slice.bytes.lowerBound, path: path)
        guard count == piece.count else { throw LayerError.shortContent(path) }
    }

    /// What one thread reads of contents whose attributes changed; it asks for items in their order.
    struct Reader: ~Copyable {
        private let layer: EarlierLayer
        /// The bytes of the tar that hold the prepared items.
        private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        private var span: Range<Int64> = 0..<0

        /// Bytes that are read at once for a batch of items, at most.
        private static let spanLimit: Int64 = 1 << 20

        init(_ layer: EarlierLayer) { self.layer = layer }

        deinit { memory.deallocate() }

        /// Reads some contents at once, if they lie closely enough together.
        mutating func prepare(_ wanted: some Sequence<Range<Int64>>) {
            span = 0..<0
            var size: Int64 = 0
            for range in wanted {
                span =
                    span.isEmpty
                    ? range : min(span.lowerBound, range.lowerBound)..<max(span.upperBound, range.upperBound)
                size += Int64(range.count) + 1024
            }
            guard !span.isEmpty, span.count <= min(Reader.spanLimit, 2 * size) else { return span = 0..<0 }
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

        /// The content of an item, which lies there in the tar.
        func content(of item: CopyItem, at range: Range<Int64>) -> OpenContent {
            guard span.contains(range) else {
                let descriptor = layer.contents.descriptor
                return OpenContent(item, descriptor: descriptor, offset: range.lowerBound, path: layer.path)
            }
            let start = Int(range.lowerBound - span.lowerBound)
            return OpenContent(item, bytes: UnsafeRawBufferPointer(rebasing: memory[start..<start + range.count]))
        }
    }
}
