import ContentStore
import FileSystem
import Glibc
import OCI
import SystemPackage
import Tar
import TestSupport
import Testing

@testable import Layers

@Suite struct ArchiveReaderTests {
    static let tree = """
        mkdir t && cd t && printf short > a && long=$(printf 'n%.0s' $(seq 1 180)) && mkdir -p $long/$long && printf 'in a long place' > $long/$long/f &&
        printf umlaut > 'ä' && head -c 100000 /dev/urandom > random && : > empty && printf last > z && ln z zz && ln -s $long link && cd .. &&
        """
    static let writers = [
        "tar --format=gnu -cf x.tar t", "tar --format=pax -cf x.tar t", "tar --format=posix --xattrs -cf x.tar t",
        "tar --format=ustar -cf x.tar t 2>/dev/null || tar -cf x.tar t",
        "python3 -c 'import tarfile; t = tarfile.open(\"x.tar\", \"w\", format=tarfile.PAX_FORMAT); t.add(\"t\"); t.close()'",
        "python3 -c 'import tarfile; t = tarfile.open(\"x.tar\", \"w\", format=tarfile.GNU_FORMAT); t.add(\"t\"); t.close()'",
        "(command -v bsdtar >/dev/null && bsdtar -cf x.tar t) || tar -cf x.tar t",
        "truncate -s 1M t/sparse && printf data >> t/sparse && tar -S --format=pax -cf x.tar t",
        "truncate -s 1M t/sparse && printf data >> t/sparse && tar -S --format=gnu -cf x.tar t",
    ]

    @Test("content lies where the reader says", arguments: writers)
    func offsets(writer: String) throws {
        try withScratch { directory in
            try #require(succeeds("cd \(directory) && \(Self.tree) \(writer)"))
            let path = directory.appending("x.tar")
            let bytes = try FileOperations.read(path)
            let descriptor = try FileOperations.open(path, O_RDONLY)
            defer { close(descriptor) }
            let reader = try ArchiveReader(descriptor: descriptor, name: "x.tar")
            var files = 0
            while let entry = try reader.next() {
                guard entry.kind == .regular else { continue }
                var content: [UInt8] = []
                let offset = try reader.readContent { content.append(contentsOf: $0) }
                #expect(Int64(content.count) == entry.size)
                let original = try FileOperations.read(
                    directory.pushing(FilePath(String(decoding: entry.path.bytes, as: UTF8.self)))
                )
                #expect(content == original, "\(entry.path)")
                if let offset {
                    #expect(Array(bytes[Int(offset)..<Int(offset) + content.count]) == content, "\(entry.path)")
                }
                files += 1
            }
            #expect(files >= 5)
            #expect(!reader.isCompressed)
        }
    }

    @Test("an index made from a tar is the index that was written with it")
    func writtenAndRead() throws {
        try withScratch { directory in
            let store = try Store(root: directory.appending("store"))
            let layers = LayerStore(store)
            let entries: [LayerEntry] = [
                .directory(.root), .directory(PathInRoot("d"), modified: -5),
                LayerEntry(path: PathInRoot("d/empty"), kind: .regular, permissions: 0),
                LayerEntry(
                    path: PathInRoot([0x64, 0x2F, 0xFF, 0xC3]),
                    kind: .regular,
                    permissions: 0o7777,
                    userID: .max - 1,
                    groupID: 3_000_000,
                    modified: 1 << 40
                ),
                LayerEntry(
                    path: PathInRoot("d/" + String(repeating: "ä", count: 120)),
                    kind: .regular,
                    permissions: 0o600
                ),
                LayerEntry(
                    path: PathInRoot("e"),
                    kind: .symbolicLink,
                    permissions: 0o777,
                    linkTarget: [0x2F, 0xFE, 0x20]
                ),
                LayerEntry(
                    path: PathInRoot("f"),
                    kind: .symbolicLink,
                    permissions: 0o777,
                    linkTarget: Array(String(repeating: "x/", count: 150).utf8)
                ),
                LayerEntry(
                    path: PathInRoot("g"),
                    kind: .characterDevice,
                    permissions: 0o600,
                    deviceMajor: 1,
                    deviceMinor: 3
                ),
                LayerEntry(path: PathInRoot("h"), kind: .fifo, permissions: 0o600),
                LayerEntry(
                    path: PathInRoot("i"),
                    kind: .regular,
                    permissions: 0o755,
                    extendedAttributes: [
                        .init(name: "security.capability", value: [1, 0, 0, 2, 10]), .init(name: "user.ä", value: []),
                    ]
                ),
                LayerEntry(path: PathInRoot("j"), kind: .whiteout, permissions: 0),
            ].sorted { $0.path < $1.path }
            let writer = try layers.writer()
            for entry in entries { try writer.append(entry) }
            let layer = try writer.finish()
            let written = try layers.index(of: layer)
            try FileOperations.remove(store[.layers].appending(layer.diffID.hex))
            let read = try LayerStore(store).index(of: layer)
            #expect(read.count == written.count)
            for position in 0..<min(read.count, written.count) { #expect(read[position] == written[position]) }
        }
    }

    @Test(
        "an opaque marker keeps the directory's own attributes, before or after it, and costs no search",
        arguments: [true, false]
    )
    func opaque(markerFirst: Bool) throws {
        try withScratch { directory in
            let store = try Store(root: directory.appending("store"))
            let files = markerFirst ? ["d/.wh..wh..opq", "d", "d/x"] : ["d", "d/x", "d/.wh..wh..opq"]
            let script = """
                import tarfile
                t = tarfile.open('l.tar', 'w')
                for n in \(files):
                    i = tarfile.TarInfo(n); i.type = tarfile.DIRTYPE if n == 'd' else tarfile.REGTYPE; i.mode = 0o750; i.uid = 7; t.addfile(i)
                i = tarfile.TarInfo('only/.wh..wh..opq'); t.addfile(i)
                t.close()
                """
            try FileOperations.writeAtomically(
                Array(script.utf8),
                to: directory.appending("s.py"),
                temporary: directory
            )
            try #require(succeeds("cd \(directory) && python3 s.py"))
            let digest = try store.blobs.write(try FileOperations.read(directory.appending("l.tar")))
            let index = try LayerStore(store).index(of: Layer(diffID: digest, tarSize: store.blobs.size(digest) ?? 0))
            let entry = try #require(index.entry(at: PathInRoot("d")))
            #expect(entry.isOpaque && entry.permissions == 0o750 && entry.userID == 7 && !entry.isImplied)
            let only = try #require(index.entry(at: PathInRoot("only")))
            // Its attributes are those of the layer below.
            #expect(only.isOpaque && only.isImplied)
        }
    }

    @Test("a file with something below it does not move that into its parent")
    func fileAsDirectory() throws {
        let index = LayerIndex(
            entries: [
                LayerEntry(path: PathInRoot("a"), kind: .regular, permissions: 0),
                LayerEntry(path: PathInRoot("a/b"), kind: .regular, permissions: 0),
                LayerEntry(path: PathInRoot("c"), kind: .regular, permissions: 0),
            ],
            diffID: SHA256Hasher.digest(of: ""),
            tarSize: 0
        )
        #expect(MergedView(layers: [index]).names(in: .root) == [Array("a".utf8), Array("c".utf8)])
    }

    @Test("an empty layer blob is an empty layer")
    func emptyBlob() throws {
        try withScratch { directory in
            let store = try Store(root: directory.appending("store"))
            let digest = try store.blobs.write([])
            #expect(try LayerStore(store).index(of: Layer(diffID: digest, tarSize: 0)).count == 0)
            let zeros = try store.blobs.write([UInt8](repeating: 0, count: 1024))
            #expect(try LayerStore(store).index(of: Layer(diffID: zeros, tarSize: 1024)).count == 0)
        }
    }
}
