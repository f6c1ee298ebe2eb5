import ContentStore
import FileSystem
import Glibc
import OCI
import SystemPackage
import Tar
import TestSupport
import Testing

@testable import Layers

@Suite struct LayerIndexerTests {
    /// Makes a store with a layer of the members that a Python script adds.
    private func withLayer(_ script: String, _ body: (LayerStore, Layer) throws -> Void) throws {
        try withScratch { directory in
            let prelude = """
                import io, tarfile
                t = tarfile.open('l.tar', 'w', format=tarfile.PAX_FORMAT)
                def add(name, type=tarfile.REGTYPE, link='', data=b'', **more):
                    i = tarfile.TarInfo(name); i.type = type; i.linkname = link; i.size = len(data)
                    for k, v in more.items(): setattr(i, k, v)
                    t.addfile(i, io.BytesIO(data))
                def directory(name): add(name, tarfile.DIRTYPE, mode=0o755)
                def symlink(name, link): add(name, tarfile.SYMTYPE, link)
                def hardlink(name, link): add(name, tarfile.LNKTYPE, link)

                """
            let file = directory.appending("s.py")
            try FileOperations.writeAtomically(
                Array((prelude + script + "\nt.close()\n").utf8),
                to: file,
                temporary: directory
            )
            try #require(succeeds("cd \(directory) && python3 s.py"))
            let store = try Store(root: directory.appending("store"))
            let digest = try store.blobs.write(try FileOperations.read(directory.appending("l.tar")))
            try body(LayerStore(store), Layer(diffID: digest, tarSize: store.blobs.size(digest) ?? 0))
        }
    }

    static let refused = [
        "directory('x'); add('x/.wh..')",
        "directory('x'); add('x/.wh...')",
        "add('.wh..')",
        "add('n', tarfile.CHRTYPE)",
        "add('f'); add('f/g')",
        "add('f/g'); add('f')",
        "add('d/f'); symlink('d', 'elsewhere')",
        "add('p', tarfile.FIFOTYPE); add('p/g')",
        "symlink('a', 'b'); symlink('b', 'a'); add('a/f')",
        "add('n' * 256)",
        "symlink('l', 'n' * 4096)",
        "symlink('l', '')",
        "add('f', uid=0xFFFFFFFF)",
        "add('f', gid=1 << 40)",
    ]

    @Test("what no process could be shown as it is listed is refused", arguments: refused)
    func refuses(script: String) throws {
        try withLayer(script) { layers, layer in
            #expect(throws: LayerError.self) { try layers.verify(layer) }
        }
    }

    /// The paths of a layer, with the kind of each and the targets of links.
    private func listing(_ layers: LayerStore, _ layer: Layer) throws -> [String] {
        let index = try layers.index(of: layer)
        return (0..<index.count).map { position in
            let entry = index[position]
            return
                "\(entry.kind)\(entry.isImplied ? "?" : "") \(entry.path) \(String(decoding: entry.linkTarget, as: UTF8.self))"
        }
    }

    static let accepted: [(String, [String])] = [
        // As containerd applies layers: what stands below a link is where the link leads.
        (
            "directory('real'); symlink('l', 'real'); add('l/f', data=b'1'); hardlink('h', 'l/f')",
            ["hardLink /h real/f", "symbolicLink /l real", "directory /real ", "regular /real/f "]
        ),
        (
            "symlink('l', '/a/b'); directory('a'); symlink('a/b', '../c'); add('l/f')",
            ["directory /a ", "symbolicLink /a/b ../c", "directory? /c ", "regular /c/f ", "symbolicLink /l /a/b"]
        ),
        ("symlink('l', 'real'); directory('l'); add('l/f')", ["directory /l ", "regular /l/f "]),
        ("symlink('l', '../../..'); add('l/f')", ["regular /f ", "symbolicLink /l ../../.."]),
        // A whiteout that another one contains says nothing.
        ("add('.wh.a'); add('a/.wh.b'); add('a/c/.wh.d')", ["whiteout /a "]),
        ("add(''); add('.wh.'); add('.wh..wh.plnk'); add('f')", ["regular /f "]),
    ]

    @Test("links lead members to where they belong, and what says nothing is left out", arguments: accepted)
    func accepts(script: String, expected: [String]) throws {
        try withLayer(script) { layers, layer in
            try layers.verify(layer)
            #expect(try listing(layers, layer) == expected)
        }
    }

    @Test("a hard link to a file that no layer has is refused for the image")
    func hardLinkToNothing() throws {
        try withLayer("add('f'); hardlink('h', 'g')") { layers, layer in
            try layers.verify(layer)
            #expect(throws: LayerError.self) { try layers.checkLinks(of: [layer]) }
            let writer = try layers.writer()
            try writer.append(LayerEntry(path: PathInRoot("g"), kind: .regular, permissions: 0))
            try layers.checkLinks(of: [try writer.finish(), layer])
        }
    }

    @Test("a device that overlayfs takes for a removed file is never written")
    func whiteoutDevice() throws {
        try withScratch { directory in
            let writer = try LayerStore(try Store(root: directory.appending("store"))).writer()
            #expect(throws: LayerError.self) {
                try writer.append(LayerEntry(path: PathInRoot("d"), kind: .characterDevice, permissions: 0))
            }
        }
    }

    @Test("a layer whose blob is gone is missing, and not damaged")
    func missing() throws {
        try withLayer("add('f')") { layers, layer in
            try layers.verify(layer)
            try FileOperations.remove(layers.store.blobs.path(layer.diffID))
            #expect(throws: LayerError.missing(layer.diffID)) { try LayerStore(layers.store).index(of: layer) }
        }
    }
}
