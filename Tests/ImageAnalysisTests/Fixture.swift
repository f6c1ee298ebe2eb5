import ContentStore
import FileSystem
import Glibc
import Layers
import OCI
import SystemPackage

/// A store in a scratch directory, removed at the end.
struct Fixture {
    let directory: FilePath
    let layers: LayerStore

    static func with<Result>(_ body: (Fixture) throws -> Result) throws -> Result {
        let directory = FilePath("/var/tmp/swiftbuild-analysis-\(getpid())-\(UInt64.random(in: 0 ... .max))")
        try FileOperations.createDirectories(directory)
        defer { try? FileOperations.removeTree(directory) }
        return try body(
            Fixture(directory: directory, layers: LayerStore(try Store(root: directory.appending("store"))))
        )
    }

    /// The files of an image with these layers.
    func files(
        _ layers: [[LayerEntry]],
        content: (LayerEntry) -> [UInt8] = { Array(repeating: 7, count: Int($0.size)) }
    )
        throws -> LayerStack
    {
        let made = try layers.map { entries in
            let writer = try self.layers.writer()
            for entry in entries.sorted(by: { $0.path < $1.path }) {
                try writer.append(entry, content: entry.kind == .regular ? .bytes(content(entry)) : .none)
            }
            return try writer.finish()
        }
        return try LayerStack(made, in: self.layers)
    }
}

func file(_ path: String, size: Int64 = 0, mode: UInt16 = 0o644) -> LayerEntry {
    LayerEntry(path: PathInRoot(path), kind: .regular, permissions: mode, size: size)
}

func whiteout(_ path: String) -> LayerEntry {
    LayerEntry(path: PathInRoot(path), kind: .whiteout, permissions: 0)
}

func hardLink(_ path: String, to target: String) -> LayerEntry {
    LayerEntry(path: PathInRoot(path), kind: .hardLink, permissions: 0o644, linkTarget: PathInRoot(target).bytes)
}

func symbolicLink(_ path: String, to target: String) -> LayerEntry {
    LayerEntry(path: PathInRoot(path), kind: .symbolicLink, permissions: 0o777, linkTarget: Array(target.utf8))
}

func index(_ entries: [LayerEntry]) -> LayerIndex {
    LayerIndex(entries: entries, diffID: SHA256Hasher.digest(of: [UInt8]()), tarSize: 0)
}
