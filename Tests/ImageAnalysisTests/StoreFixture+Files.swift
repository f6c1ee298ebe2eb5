import Layers
import Tar
import TestSupport

extension StoreFixture {
    /// The files of an image with these layers.
    func files(
        _ layers: [[LayerEntry]],
        content: (LayerEntry) -> [UInt8] = { Array(repeating: 7, count: Int($0.size)) }
    ) throws -> LayerStack {
        try LayerStack(
            layers.map { entries in try self.layers.layer(entries.map { ($0, content($0)) }) },
            in: self.layers
        )
    }
}
