import ContentStore
import FileSystem
import Glibc
import Layers
import OCI
import SystemPackage
import Testing

@testable import Images

/// A scratch directory with an empty store in it, removed at the end.
struct Fixture {
    let directory: FilePath
    let images: ImageStore

    static func with<Result>(_ body: (Fixture) throws -> Result) throws -> Result {
        let directory = FilePath("/var/tmp/swiftbuild-images-\(getpid())-\(UInt64.random(in: 0 ... .max))")
        try FileOperations.createDirectories(directory)
        defer { try? FileOperations.removeTree(directory) }
        return try body(Fixture(directory: directory, images: try newStore(directory.appending("store"))))
    }

    static func newStore(_ path: FilePath) throws -> ImageStore {
        let store = try Store(root: path)
        return ImageStore(store, layers: LayerStore(store))
    }

    func path(_ name: String) -> FilePath { directory.appending(name) }

    func otherStore(_ name: String = "other") throws -> ImageStore { try Fixture.newStore(path(name)) }

    func layer(_ entries: [(LayerEntry, String)]) throws -> Layer {
        let writer = try images.layers.writer()
        for (entry, content) in entries.sorted(by: { $0.0.path < $1.0.path }) {
            var entry = entry
            if entry.kind == .regular { entry.size = Int64(content.utf8.count) }
            try writer.append(entry, content: entry.kind == .regular ? .bytes(Array(content.utf8)) : .none)
        }
        return try writer.finish()
    }

    func file(_ path: String, _ content: String, permissions: UInt16 = 0o644, owner: UInt32 = 0) -> (LayerEntry, String)
    {
        (
            LayerEntry(
                path: PathInRoot(path),
                kind: .regular,
                permissions: permissions,
                userID: owner,
                groupID: owner,
                modified: 1_700_000_000
            ), content
        )
    }

    /// An image of one layer with one file.
    func simple(_ content: String = "hello", created: Int64 = 1_700_000_000, names: [String] = []) throws -> StoredImage
    {
        try image([try layer([file("hello", content)])], created: created, names: names)
    }

    func image(_ layers: [Layer], created: Int64 = 1_700_000_000, names: [String] = []) throws -> StoredImage {
        var configuration = ImageConfiguration(platform: .host)
        configuration.created = Timestamp(secondsSinceEpoch: created)
        configuration.config.cmd = ["/hello"]
        configuration.rootfs = .init(diffIDs: layers.map(\.diffID))
        configuration.history = layers.map { _ in
            .init(created: configuration.created, createdBy: "COPY hello / # buildkit")
        }
        return try images.add(
            configuration: configuration,
            layers: layers,
            names: names.map { try ImageReference(parsing: $0) }
        )
    }

    func write(_ name: String, _ bytes: [UInt8]) throws -> FilePath {
        try FileOperations.writeAtomically(bytes, to: path(name), temporary: directory)
        return path(name)
    }
}

func name(_ text: String) throws -> ImageReference { try ImageReference(parsing: text) }

/// Runs a program and returns its exit code with what it printed.
@discardableResult
func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
    let command = arguments.map {
        "'" + $0.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
    .joined(separator: " ")
    return try shell(command)
}

func shell(_ command: String) throws -> (status: Int32, output: String) {
    guard let pipe = popen(command + " 2>&1", "r") else { throw SystemError("run", "sh") }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = fread(&buffer, 1, buffer.count, pipe)
        if count == 0 { break }
        output += buffer[..<count]
    }
    let status = pclose(pipe)
    return (status >> 8 & 0xFF, String(decoding: output, as: UTF8.self))
}

/// Whether a program is installed.
func has(_ tool: String) -> Bool { (try? shell("command -v \(tool) >/dev/null"))?.status == 0 }

/// Checks that everything about an image agrees.
func validate(_ image: StoredImage, in store: ImageStore) throws {
    let content = try store.content(of: image)
    #expect(SHA256Hasher.digest(of: try store.store.blobs.read(image.id)) == image.id)
    #expect(store.store.blobs.size(image.manifest.digest) == image.manifest.size)
    #expect(content.manifest.config.digest == image.id)
    #expect(store.store.blobs.size(image.id) == content.manifest.config.size)
    #expect(content.layers.count == content.configuration.rootfs.diffIDs.count)
    for layer in content.layers {
        #expect(store.store.blobs.size(layer.blob.digest) == layer.blob.size)
        #expect(store.store.blobs.verify(layer.blob.digest))
        try store.layers.verify(layer)
    }
    #expect(content.configuration.platform == image.platform)
}
