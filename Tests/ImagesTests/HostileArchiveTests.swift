import ContentStore
import FileSystem
import Layers
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import Images

@Suite struct HostileArchiveTests {
    /// Writes an archive with Python's tarfile, which allows anything.
    func archive(_ fixture: StoreFixture, _ script: String) throws -> FilePath {
        let path = fixture.path("archive.tar")
        let prelude = """
            import tarfile, io, json, hashlib, sys
            t = tarfile.open(sys.argv[1], 'w', format=tarfile.PAX_FORMAT)
            def add(name, data=b'', type=tarfile.REGTYPE, link=''):
                i = tarfile.TarInfo(name); i.size = len(data) if type == tarfile.REGTYPE else 0; i.type = type; i.linkname = link
                t.addfile(i, io.BytesIO(data) if type == tarfile.REGTYPE else None)
            def sha(data): return hashlib.sha256(data).hexdigest()
            def tar(files):
                b = io.BytesIO(); l = tarfile.open(fileobj=b, mode='w')
                for n, d in files.items():
                    i = tarfile.TarInfo(n); i.size = len(d); l.addfile(i, io.BytesIO(d))
                l.close(); return b.getvalue()
            layer = tar({'hello': b'hello'})
            config = json.dumps({'architecture': 'amd64', 'os': 'linux', 'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + sha(layer)]}}).encode()
            """
        let file = try fixture.write("script.py", Array((prelude + "\n" + script + "\nt.close()\n").utf8))
        let result = try run(["python3", file.string, path.string])
        #expect(result.status == 0, "\(result.output)")
        return path
    }

    @Test(
        "a docker archive of the old form loads, with symbolic links between layers and compressed layers",
        .needs(.program("python3"))
    )
    func legacy() throws {
        try StoreFixture.with { fixture in
            let path = try archive(
                fixture,
                """
                import bz2, gzip
                other = tar({'other': b'1'}); third = tar({'third': b'3'})
                config = json.dumps({'architecture': 'amd64', 'os': 'linux', 'rootfs': {'diff_ids': ['sha256:' + sha(x) for x in [layer, layer, other, third]]}}).encode()
                add('bb/layer.tar', type=tarfile.SYMTYPE, link='../aa/layer.tar')
                add('aa/layer.tar', layer); add('aa/VERSION', b'1.0'); add('aa/json', b'{}')
                add('cc/layer.tar', bz2.compress(other)); add('dd/layer.tar', gzip.compress(third))
                add(sha(config) + '.json', config); add('repositories', b'{}')
                add('manifest.json', json.dumps([{'Config': sha(config) + '.json', 'RepoTags': ['old:1'], 'Layers': ['aa/layer.tar', 'bb/layer.tar', 'cc/layer.tar', 'dd/layer.tar']}]).encode())
                """
            )
            let loaded = try fixture.images.load(path)
            let image = try #require(loaded.first?.image)
            try validate(image, in: fixture.images)
            #expect(try fixture.images.find("old:1") == image)
            #expect(image.size == 12)
            let types = try fixture.images.layers(of: image).map(\.blob.mediaType)
            #expect(types == [.layer, .layer, .layer, .layerGzip])
        }
    }

    static let index = """
        blobs = {sha(x): x for x in [layer, config]}
        manifest = {'schemaVersion': 2, 'config': {'mediaType': 'application/vnd.oci.image.config.v1+json', 'digest': 'sha256:' + sha(config), 'size': len(config)},
            'layers': [{'mediaType': 'application/vnd.oci.image.layer.v1.tar', 'digest': 'sha256:' + sha(layer), 'size': len(layer)}]}
        def finish(manifest=manifest, digest=None, extra={}, kind='application/vnd.oci.image.manifest.v1+json', size=None):
            m = json.dumps(manifest).encode(); blobs[sha(m)] = m
            d = {'mediaType': kind, 'digest': digest or 'sha256:' + sha(m), 'size': size or len(m)}
            add('index.json', json.dumps({'schemaVersion': 2, 'manifests': [d], **extra}).encode())
            for k, v in blobs.items(): add('blobs/sha256/' + k, v)

        """

    static let cases = [
        "add('../../escape', b'x'); finish()",
        "add('/../escape', b'x'); finish()",
        "finish(digest='sha256:../../../etc/passwd')",
        "finish(digest='sha512:' + 'a' * 128)",
        "finish(size=5)",
        "finish(size=-1)",
        "finish(size=1 << 40)",
        "blobs[sha(layer)] = b'wrong' + layer; finish()",
        "blobs[sha(config)] = b'wrong'; finish()",
        "del blobs[sha(layer)]; finish()",
        "del blobs[sha(config)]; finish()",
        "del blobs[sha(layer)]; add('blobs/sha256/' + sha(layer), type=tarfile.SYMTYPE, link='/etc/passwd'); finish()",
        "manifest['manifests'] = []; finish()",
        "finish(extra={'config': {}})",
        "manifest['layers'] = manifest['layers'] * 2; finish()",
        "manifest['layers'] = []; finish()",
        "manifest['layers'][0]['size'] = -1; finish()",
        "manifest['config']['digest'] = 'sha256:' + 'A' * 64; finish()",
        "manifest = []; finish(manifest)",
        "finish(kind='application/vnd.oci.image.index.v1+json')",
        "add('index.json', b'[' * 1000000)",
        "add('index.json', b' ' * (17 << 20))",
        "add('index.json', b'')",
        "add('index.json', type=tarfile.SYMTYPE, link='/etc/passwd')",
        "add('index.json', type=tarfile.CHRTYPE)",
        "add('other', b'x')",
        "add('manifest.json', json.dumps([{'Config': '../../etc/passwd', 'Layers': []}]).encode())",
        "add('manifest.json', json.dumps([{'Config': '/etc/passwd', 'Layers': ['x']}]).encode())",
        "add('c', type=tarfile.SYMTYPE, link='../../../etc/passwd'); add('manifest.json', json.dumps([{'Config': 'c', 'Layers': []}]).encode())",
        "add('c', type=tarfile.SYMTYPE, link='c'); add('manifest.json', json.dumps([{'Config': 'c', 'Layers': []}]).encode())",
        "evil = tar({'../evil': b'x'}); config = config.replace(sha(layer).encode(), sha(evil).encode()); blobs = {sha(x): x for x in [evil, config]}; "
            + "manifest['config'].update(digest='sha256:' + sha(config), size=len(config)); manifest['layers'][0].update(digest='sha256:' + sha(evil), size=len(evil)); finish()",
    ]

    @Test(
        "a crafted archive is refused, changes no image and leaves no debris",
        .needs(.program("python3")),
        arguments: cases
    )
    func refused(script: String) throws {
        try StoreFixture.with { fixture in
            let path = try archive(fixture, Self.index + script)
            #expect(throws: (any Error).self) { try fixture.images.load(path) }
            #expect(try fixture.images.list().isEmpty)
            #expect(try FileOperations.names(in: fixture.images.store[.temporary]).isEmpty)
            #expect(FileStatus.ifPresent(fixture.path("escape")) == nil)
            for name in try FileOperations.names(in: fixture.images.store[.blobs]) {
                let digest = try #require(Digest(hex: String(decoding: name, as: UTF8.self)))
                #expect(fixture.images.store.blobs.verify(digest))
            }
        }
    }

    @Test("a blob of other content under a known diff ID is refused", .needs(.program("python3")))
    func diffIDConfusion() throws {
        try StoreFixture.with { fixture in
            #expect(try fixture.images.load(archive(fixture, Self.index + "finish()")).count == 1)
            let path = try archive(
                fixture,
                Self.index
                    + "evil = tar({'hello': b'evil!'}); blobs[sha(evil)] = evil; config += b' '; blobs[sha(config)] = config; "
                    + "manifest['config'].update(digest='sha256:' + sha(config), size=len(config)); "
                    + "manifest['layers'][0].update(digest='sha256:' + sha(evil), size=len(evil)); finish()"
            )
            #expect(throws: (any Error).self) { try fixture.images.load(path) }
            #expect(try fixture.images.list().count == 1)
        }
    }

    @Test(
        "a nested index gives the image for this machine, without attestations",
        .needs(.program("python3"))
    )
    func nestedIndex() throws {
        try StoreFixture.with { fixture in
            let path = try archive(
                fixture,
                Self.index
                    + """
                    m = json.dumps(manifest).encode(); blobs[sha(m)] = m
                    d = {'mediaType': 'application/vnd.oci.image.manifest.v1+json', 'digest': 'sha256:' + sha(m), 'size': len(m)}
                    no = dict(d, digest='sha256:' + 'a' * 64)
                    inner = {'schemaVersion': 2, 'manifests': [dict(no, platform={'os': 'unknown', 'architecture': 'unknown'}),
                        dict(no, platform={'os': 'linux', 'architecture': 's390x'}), dict(d, platform={'os': 'linux', 'architecture': '\(Platform.host.architecture)'})]}
                    finish(inner, kind='application/vnd.oci.image.index.v1+json')
                    """
            )
            let loaded = try fixture.images.load(path)
            try validate(try #require(loaded.first?.image), in: fixture.images)
        }
    }

    @Test("a layout whose files are symbolic links is refused")
    func linkedLayout() throws {
        try StoreFixture.with { fixture in
            let image = try fixture.simple()
            for link in ["index.json", "blobs", "blobs/sha256/\(image.id.hex)"] {
                let layout = fixture.path("layout")
                try fixture.images.save([ListedImage(image: image, names: [])], toLayout: layout)
                let result = try shell(
                    "cd \(layout) && mv \(link) ../moved && ln -s \(fixture.directory)/moved \(link)"
                )
                #expect(result.status == 0, "\(result.output)")
                #expect(throws: (any Error).self) { try fixture.otherStore().load(layout) }
                try FileOperations.removeTree(layout)
                try FileOperations.removeTree(fixture.path("moved"))
            }
        }
    }
}
