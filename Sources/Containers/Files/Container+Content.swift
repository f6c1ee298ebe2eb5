internal import ContainerRuntime
internal import ContentStore
internal import FileSystem
internal import Glibc
public import Layers
internal import Snapshots
internal import SystemPackage
public import Tar

extension Container {
    /// Writes all files of the container as a tar, without what is on its volumes.
    ///
    /// - Throws: `LayerError`, `SandboxError`, `SystemError`.
    public func export(to sink: any ByteSink) throws {
        // Modes keep an ordinary user from reading some files, and cannot be changed in a mount that is only read.
        guard geteuid() == 0 else { return try exportLayers(to: sink) }
        let held = try store.hold(record, isReadOnly: true, withVolumes: false)
        defer { withExtendedLifetime(held) {} }
        let root = OpenFile(try OwnedDescriptor(held.root, O_RDONLY | O_DIRECTORY))
        let tar = TarWriter(sink: sink)
        var reader = TreeReader(root: "/", whiteouts: .none, descriptor: root.descriptor)
        let covered = covered
        try reader.read { entry, source in
            let isCovered = covered.contains(entry.path)
            if isCovered, entry.kind != .directory { return false }
            let file = try entry.kind == .regular ? OpenFile(source.open()) : nil
            try tar.write(entry, content: file.map { ($0.descriptor, 0) })
            return !isCovered
        }
        try tar.finish()
    }

    /// The same from layers: those of the image, and one of what the container has changed.
    private func exportLayers(to sink: any ByteSink) throws {
        let lock = try store.store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        let layers = record.layers + [try capture()].compactMap { $0 }
        let tar = TarWriter(sink: sink)
        try LayerStack(layers, in: store.layers).walk { try tar.write($0, content: $1) }
        try tar.finish()
    }

    /// Makes a layer of what the container has changed; `nil` where that is nothing.
    ///
    /// - Throws: `LayerError`, `SystemError`.
    public func capture() throws -> Layer? {
        let layer = try LayerCapture().layer(of: try writtenFiles(), in: store.layers)
        return try store.layers.index(of: layer).count > 0 ? layer : nil
    }
}
