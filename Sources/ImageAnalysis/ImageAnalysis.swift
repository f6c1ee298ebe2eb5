public import Layers
public import OCI
internal import Tar

/// What each layer of an image does to those below it, and what of it cannot be seen in the end.
///
/// It comes from the indexes of the layers alone; nothing is unpacked.
public struct ImageAnalysis: Sendable {
    /// One layer of the image.
    public struct AnalyzedLayer: Sendable {
        public let diffID: Digest
        /// The instruction that made it; `nil` where the image does not say.
        public let history: ImageConfiguration.HistoryEntry?
        /// In the order of their paths.
        public let changes: [LayerChange]
        /// The bytes of the layer's files.
        public let bytes: Int64
        /// Those of them that layers above hide.
        public let wastedBytes: Int64
        /// The bytes of files that this layer hides, mostly of layers below.
        public let hiddenBytes: Int64
        fileprivate let hiddenByPath: [PathInRoot: Int64]
        fileprivate let wastedPaths: Set<PathInRoot>

        /// The layer's changes as a tree.
        ///
        /// - Parameter depth: The number of levels of directories; what lies deeper is counted in its parents.
        public func rows(depth: Int) -> [ChangeRow] { ChangeRow.rows(changes, hidden: hiddenByPath, depth: depth) }

        /// The bytes that the layer has in each directory.
        public var sizes: SizeTree { SizeTree(changes, wasted: wastedPaths) }
    }

    /// Lowest first.
    public let layers: [AnalyzedLayer]
    /// The contents that cannot be seen, largest first.
    public let hiddenFiles: [HiddenFile]
    /// The bytes of the files of all layers: what users know as the size of the image.
    public let bytes: Int64
    /// Those of them that cannot be seen: what a better order of the same work would save.
    public let wastedBytes: Int64
    /// From 0 to 1, as `dive` defines it: for each path the smallest of its sizes in the layers, added up and divided by
    /// the sum of all its sizes; a layer that removes the path has 0 of it.
    ///
    /// A removed directory counts as the removal of each file in it. `dive` adds the directory's size to both sums
    /// instead, so that removing one would improve the score.
    public let efficiency: Double

    /// - Parameters:
    ///   - diffIDs: Those of the layers of `view`.
    ///   - history: That of the image's configuration.
    public init(_ view: MergedView, diffIDs: [Digest], history: [ImageConfiguration.HistoryEntry]) {
        let replay = LayerReplay(view)
        let hidden = replay.hiddenFiles
        var wasted = view.layers.map { _ in Int64(0) }
        var hiding: [[PathInRoot: Int64]] = view.layers.map { _ in [:] }
        for file in hidden {
            wasted[file.layer] = wasted[file.layer].addingReportingOverflow(file.size).partialValue
            hiding[file.hidingLayer][file.path, default: 0] &+= file.size
        }
        let claimed = history.filter { $0.emptyLayer != true }
        layers = view.layers.indices.map { position in
            AnalyzedLayer(
                diffID: diffIDs[position],
                history: position < claimed.count ? claimed[position] : nil,
                changes: replay.changes[position],
                bytes: view.layers[position].fileBytes,
                wastedBytes: wasted[position],
                hiddenBytes: hiding[position].values.reduce(0, &+),
                hiddenByPath: hiding[position],
                wastedPaths: Set(hidden.filter { $0.layer == position }.map(\.path))
            )
        }
        hiddenFiles = hidden.sorted { ($1.size, $0.path) < ($0.size, $1.path) }
        bytes = layers.reduce(0) { $0 &+ $1.bytes }
        wastedBytes = wasted.reduce(0, &+)
        efficiency = replay.allBytes == 0 ? 1 : Double(replay.leastBytes) / Double(replay.allBytes)
    }
}
