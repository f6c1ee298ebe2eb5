internal import ContentStore
internal import FileSystem
internal import Glibc
internal import Layers
internal import OCI
internal import Synchronization
public import SystemPackage
internal import Tar

/// Layers mounted in place: EROFS filesystems of metadata made from their indexes, with the tars for
/// contents (`docs/decisions/0022-layers-mounted-as-they-lie.md`).
///
/// The mounts are those of this process. Whatever cannot be mounted is unpacked.
public final class LayerMounts: Sendable {
    private struct State {
        var mounts: [Digest: ErofsMount] = [:]
        /// Why nothing is mounted; `nil` where it is or may be.
        var obstacle: String?
        var isKnown = false
    }

    private let state = Mutex(State())

    init() {}

    private static let variable = "SWIFTBUILD_LAYERS"

    /// Whether layers are mounted even where they are unpacked already: `SWIFTBUILD_LAYERS=mounted`.
    static var isForced: Bool { ProcessEnvironment[variable] == "mounted" }

    /// Why layers are not mounted here, found out by mounting one; `nil` where they are.
    ///
    /// - Parameter temporary: A directory on the store's filesystem.
    public static func obstacle(in temporary: FilePath) -> String? {
        if ProcessEnvironment[variable] == "unpacked" { return "\(variable) is `unpacked`" }
        guard geteuid() == 0 else { return "only root can mount EROFS" }
        // Before, overlayfs takes no layers that are mounted nowhere; and Linux 6.12 crashed on such small blocks first
        // (fs/erofs: "fix blksize < PAGE_SIZE for file-backed mounts").
        guard KernelRelease.current >= KernelRelease(6, 15) else { return "it takes Linux 6.15 or newer" }
        let content = Array("whole".utf8)
        var entry = LayerEntry(path: PathInRoot("file"), kind: .regular, permissions: 0o644)
        (entry.size, entry.contentOffset) = (Int64(content.count), Int64(ErofsFormat.blockSize))
        let padding = [UInt8](repeating: 0, count: ErofsFormat.blockSize - content.count)
        let tar = [UInt8](repeating: 1, count: ErofsFormat.blockSize) + content + padding
        guard let image = ErofsImage([entry], in: ErofsTar(size: Int64(tar.count))) else {
            return "the trial has no image"
        }
        do {
            let (metadata, contents) = (try TemporaryFile(in: temporary), try TemporaryFile(in: temporary))
            try metadata.write(ErofsFile.sealed(image.encoded(name: SHA256Hasher.digest(of: tar))))
            try contents.write(tar)
            let mount = try ErofsMount(metadata: metadata.path, contents: contents.path)
            let found = try FileOperations.readRegular(mount.root.appending("file"), limit: 4096)
            return found == content ? nil : "what is read is not what was written"
        } catch {
            return "the kernel mounts no EROFS from files: \(error.reason)"
        }
    }

    /// The mount of a layer; `nil` where it has to be unpacked.
    ///
    /// - Parameters:
    ///   - name: What it is called: layers of the same name show the same files.
    ///   - entries: What the index of the layer says, with the attributes of implied directories.
    func mount(named name: Digest, _ layer: Layer, in layers: LayerStore, entries: () throws -> [LayerEntry])
        -> ErofsMount?
    {
        let store = layers.store
        let known = state.withLock { state -> (mount: ErofsMount?, isPossible: Bool) in
            if !state.isKnown { (state.obstacle, state.isKnown) = (LayerMounts.obstacle(in: store[.temporary]), true) }
            return (state.mounts[name], state.obstacle == nil)
        }
        guard known.isPossible else { return nil }
        if let mount = known.mount { return mount }
        guard let mount = try? LayerMounts.mount(named: name, layer, in: layers, entries: entries) else { return nil }
        return state.withLock { state in
            // Another stage may have been faster. One directory must not be in an overlay twice.
            if let other = state.mounts[name] { return other }
            state.mounts[name] = mount
            return mount
        }
    }

    private static func mount(
        named name: Digest,
        _ layer: Layer,
        in layers: LayerStore,
        entries: () throws -> [LayerEntry]
    ) throws -> ErofsMount? {
        let (store, index) = (layers.store, try layers.index(of: layer))
        // Decompresses it where that is necessary.
        _ = try layers.contents(of: layer)
        let tar = store.blobs.path(layer.diffID)
        guard FileStatus.ifPresent(tar)?.size == index.tarSize else { return nil }
        let path = store[.erofs].appending(name.hex)
        if !ErofsFile.isWhole(path, of: name) {
            let contents = try ErofsTar(tar, size: index.tarSize)
            guard let image = ErofsImage(try entries(), in: contents) else { return nil }
            let bytes = ErofsFile.sealed(image.encoded(name: name))
            try? FileOperations.removeTree(path)
            try FileOperations.writeAtomically(bytes, to: path, temporary: store[.temporary])
        }
        return try ErofsMount(metadata: path, contents: tar)
    }

    /// Mounts nothing more, since a process on mounted layers could not be started: unpacked ones may do.
    ///
    /// - Returns: Whether anything was mounted, so that it is worth another try.
    public func giveUp() -> Bool {
        state.withLock { state in
            defer { (state.mounts, state.obstacle, state.isKnown) = ([:], "a process could not be started", true) }
            return !state.mounts.isEmpty
        }
    }
}
