internal import ContentStore
public import Layers
public import Tar

public func file(_ path: String, _ permissions: UInt16 = 0o644, size: Int64 = 0) -> LayerEntry {
    LayerEntry(path: PathInRoot(path), kind: .regular, permissions: permissions, size: size)
}

public func directory(_ path: String, _ permissions: UInt16 = 0o755) -> LayerEntry {
    LayerEntry(path: PathInRoot(path), kind: .directory, permissions: permissions)
}

public func whiteout(_ path: String) -> LayerEntry {
    LayerEntry(path: PathInRoot(path), kind: .whiteout, permissions: 0)
}

public func hardLink(_ path: String, to target: String) -> LayerEntry {
    LayerEntry(path: PathInRoot(path), kind: .hardLink, permissions: 0o644, linkTarget: PathInRoot(target).bytes)
}

public func symbolicLink(_ path: String, to target: String) -> LayerEntry {
    LayerEntry(path: PathInRoot(path), kind: .symbolicLink, permissions: 0o777, linkTarget: Array(target.utf8))
}

/// The index of a layer that exists nowhere.
public func index(_ entries: [LayerEntry]) -> LayerIndex {
    LayerIndex(entries: entries, diffID: SHA256Hasher.digest(of: ""), tarSize: 0)
}
