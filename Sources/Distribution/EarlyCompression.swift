public import Layers
public import OCI
internal import Threads

/// Compresses the layers of an image for the registry it will be pushed to while later ones are still being made.
public struct EarlyCompression: Sendable {
    private let compressor: LayerCompressor
    private let format: ImageFormat
    /// One layer takes all processors already.
    private let turns = Turns()

    public init(_ layers: LayerStore, _ sending: LayerSending, _ format: ImageFormat) {
        compressor = LayerCompressor(layers, sending.compression, isForced: sending.isForced)
        self.format = format
    }

    /// Compresses a layer of the store, unless that was done before.
    ///
    /// - Throws: `LayerError`, `SystemError`, `CancellationError`.
    public func compress(_ layer: Layer) async throws {
        _ = try await turns.take { try await compressor.compressed(layer, in: format) }
    }
}

/// How layers are sent to registries.
public struct LayerSending: Sendable {
    public let compression: LayerCompression
    /// Whether layers that came compressed in another way are compressed anew.
    public let isForced: Bool

    public init(_ compression: LayerCompression, isForced: Bool = false) {
        self.compression = compression
        self.isForced = isForced
    }
}
