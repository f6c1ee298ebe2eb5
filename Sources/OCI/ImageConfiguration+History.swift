extension ImageConfiguration {
    /// The history with one entry that has a layer for each layer, as far as the image is wrong about that.
    ///
    /// Images of Nix and Bazel have no history, or too little, and an entry that is put behind it would count for a layer
    /// below its own. Layers that no entry tells of get one at the end; entries without a layer left count as empty
    /// (BuildKit).
    public var historyOfLayers: [HistoryEntry] {
        var rest = rootfs.diffIDs.count
        var result = history
        for position in result.indices where result[position].emptyLayer != true {
            if rest == 0 { result[position].emptyLayer = true } else { rest -= 1 }
        }
        return result + (0..<rest).map { _ in HistoryEntry(created: created, createdBy: nil) }
    }
}
