import ContentStore
import FileSystem
import Glibc
import Layers
import OCI
import SystemPackage
import Tar
import TestSupport
import Testing

@testable import Images

@Suite struct ArchiveTests {
    /// Two layers with everything that a filesystem has.
    static func rich(_ fixture: StoreFixture) throws -> StoredImage {
        let lower = try fixture.layer([
            (
                LayerEntry(
                    path: PathInRoot("dir"),
                    kind: .directory,
                    permissions: 0o1777,
                    userID: 5,
                    groupID: 6,
                    modified: 1
                ), ""
            ),
            fixture.file("dir/removed", "gone"),
            fixture.file("dir/set-user", "suid", permissions: 0o4755, owner: 1000),
            (
                LayerEntry(path: PathInRoot([0x64, 0x69, 0x72, 0x2F, 0xFF, 0xFE]), kind: .regular, permissions: 0o600),
                "not UTF-8"
            ),
            (
                LayerEntry(
                    path: PathInRoot("dir/x"),
                    kind: .regular,
                    permissions: 0o644,
                    extendedAttributes: [.init(name: "user.note", value: [0, 1, 2])]
                ), "xattr"
            ),
            fixture.file("first", "linked"),
            (
                LayerEntry(
                    path: PathInRoot("second"),
                    kind: .hardLink,
                    permissions: 0o644,
                    linkTarget: Array("first".utf8)
                ), ""
            ),
            (
                LayerEntry(
                    path: PathInRoot("third"),
                    kind: .hardLink,
                    permissions: 0o644,
                    linkTarget: Array("first".utf8)
                ), ""
            ),
            (
                LayerEntry(
                    path: PathInRoot("link"),
                    kind: .symbolicLink,
                    permissions: 0o777,
                    linkTarget: Array("/etc/passwd".utf8)
                ), ""
            ),
            fixture.file(String(repeating: "long-name-", count: 20) + "/" + String(repeating: "ä", count: 100), "long"),
        ])
        let upper = try fixture.layer([
            (LayerEntry(path: PathInRoot("dir/removed"), kind: .whiteout, permissions: 0), ""),
            (LayerEntry(path: PathInRoot("first"), kind: .whiteout, permissions: 0), ""),
            fixture.file("link2/new", "new"),
        ])
        return try fixture.image([lower, upper], names: ["rich:1", "rich"])
    }

    enum Form: CaseIterable { case ociTar, dockerTar, directory, gzip }

    @Test("an image that was saved loads into an empty store with the same ID and layers", arguments: Form.allCases)
    func roundTrip(form: Form) throws {
        try StoreFixture.with { fixture in
            let image = try Self.rich(fixture)
            let saved = [ListedImage(image: image, names: try [name("rich:1"), name("rich")])]
            let path = fixture.path("out")
            switch form {
            case .ociTar: try fixture.images.save(saved, as: .oci, to: path)
            case .dockerTar: try fixture.images.save(saved, as: .docker, to: path)
            case .directory: try fixture.images.save(saved, toLayout: path)
            case .gzip:
                try fixture.images.save(saved, as: .docker, to: fixture.path("plain"))
                #expect(try shell("gzip < \(fixture.path("plain")) > \(path)").status == 0)
            }
            let other = try fixture.otherStore()
            let loaded = try other.load(path)
            #expect(loaded.map(\.image) == [image])
            #expect(try other.names(of: image).map(\.familiar) == ["rich:1", "rich:latest"])
            try validate(image, in: other)
            #expect(try other.layers(of: image) == fixture.images.layers(of: image))
            // Loading again changes nothing.
            #expect(try other.load(path) == loaded)
            #expect(try FileOperations.names(in: other.store[.temporary]).isEmpty)
        }
    }

    @Test("what is damaged in a layout that exists is replaced, though it has the right size")
    func damagedLayout() throws {
        try StoreFixture.with { fixture in
            let image = try Self.rich(fixture)
            let saved = [ListedImage(image: image, names: [try name("rich")])]
            let path = fixture.path("out")
            try fixture.images.save(saved, toLayout: path)
            let layer = try #require(try fixture.images.layers(of: image).first).diffID
            let blob = path.appending("blobs").appending("sha256").appending(layer.hex)
            var bytes = try FileOperations.read(blob)
            bytes[bytes.count / 2] ^= 1
            // Another file: the layout's may be the store's own.
            try FileOperations.writeAtomically(bytes, to: blob, temporary: path)
            try fixture.images.save(saved, toLayout: path)
            #expect(SHA256Hasher.digest(of: try FileOperations.read(blob)) == layer)
        }
    }

    @Test("the same images give the same archive, whatever the store")
    func deterministic() throws {
        func archive() throws -> Digest {
            try StoreFixture.with { fixture in
                let image = try Self.rich(fixture)
                try fixture.images.save(
                    [ListedImage(image: image, names: [name("a")])],
                    as: .docker,
                    to: fixture.path("out")
                )
                return SHA256Hasher.digest(of: try FileOperations.read(fixture.path("out")))
            }
        }
        #expect(try archive() == archive())
    }

    @Test(
        "skopeo and umoci read the store as it lies there",
        .needs(.program("skopeo"), .program("umoci"))
    )
    func otherToolsReadStore() throws {
        try StoreFixture.with { fixture in
            let image = try Self.rich(fixture)
            let root = fixture.images.store.root.string
            for reference in ["rich", "rich:latest", "rich:1"] {
                let result = try run(["skopeo", "inspect", "oci:\(root):\(reference)"])
                #expect(result.status == 0, "\(result.output)")
                #expect(result.output.contains("\(image.manifest.digest)"))
            }
            let result = try run([
                "umoci", "unpack", "--rootless", "--image", "\(root):rich", fixture.path("bundle").string,
            ])
            #expect(result.status == 0, "\(result.output)")
            #expect(FileStatus.ifPresent(fixture.path("bundle").appending("rootfs").appending("second")) != nil)
        }
    }

    @Test(
        "skopeo reads what was saved, and what skopeo writes is loaded",
        .needs(.program("skopeo")),
        arguments: ["oci-archive", "docker-archive", "oci"]
    )
    func skopeo(transport: String) throws {
        try StoreFixture.with { fixture in
            let image = try Self.rich(fixture)
            let saved = [ListedImage(image: image, names: [try name("rich")])]
            let path = fixture.path("ours").string
            switch transport {
            case "oci": try fixture.images.save(saved, toLayout: FilePath(path))
            case "oci-archive": try fixture.images.save(saved, as: .oci, to: FilePath(path))
            default: try fixture.images.save(saved, as: .docker, to: FilePath(path))
            }
            let theirs = fixture.path("theirs").string
            let result = try run([
                "skopeo", "copy", "--insecure-policy", "\(transport):\(path)", "\(transport):\(theirs):rich:latest",
            ])
            #expect(result.status == 0, "\(result.output)")
            let other = try fixture.otherStore()
            let loaded = try other.load(FilePath(theirs))
            #expect(loaded.count == 1)
            #expect(loaded.first?.names.map(\.familiar) == ["rich:latest"])
            let loadedImage = try #require(loaded.first?.image)
            try validate(loadedImage, in: other)
            #expect(try other.layers(of: loadedImage).map(\.diffID) == fixture.images.layers(of: image).map(\.diffID))
        }
    }

    @Test("the root filesystem as tar and as directory has the merged files", .needs(.program("tar")))
    func rootFilesystem() throws {
        try StoreFixture.with { fixture in
            let image = ListedImage(image: try Self.rich(fixture), names: [])
            let (tar, local) = (fixture.path("root.tar"), fixture.path("root"))
            try fixture.images.write(image, to: .tar(tar))
            try fixture.images.write(image, to: .local(local))
            let unpacked = fixture.path("unpacked")
            try FileOperations.createDirectories(unpacked)
            let result = try shell(
                "tar --xattrs --numeric-owner -xpf \(tar) -C \(unpacked) && cd \(unpacked) && find . ! -name . | sort"
            )
            #expect(result.status == 0, "\(result.output)")
            #expect(try shell("cd \(local) && find . ! -name . | sort").output == result.output)
            for directory in [unpacked, local] {
                func status(_ path: String) throws -> FileStatus {
                    try FileStatus.of(directory.pushing(FilePath(path)))
                }
                #expect(FileStatus.ifPresent(directory.appending("first")) == nil)
                #expect(FileStatus.ifPresent(directory.appending("dir").appending("removed")) == nil)
                #expect(try status("second").inode == status("third").inode)
                #expect(try status("dir").permissions == 0o1777)
                #expect(try status("dir/set-user").permissions == 0o4755)
                #expect(try status("dir/set-user").modified == 1_700_000_000_000_000_000)
                #expect(try status("link").kind == .symbolicLink)
                #expect(try FileOperations.read(directory.appending("second")) == Array("linked".utf8))
                if getUserID() == 0 { #expect(try status("dir/set-user").userID == 1000) }
                let file = try FileOperations.open(directory.appending("dir").appending("x"), O_RDONLY)
                defer { close(file) }
                let attributes = ExtendedAttribute.portable(descriptor: file)
                #expect(attributes.map(\.value) == [[0, 1, 2]])
            }
        }
    }

    @Test("a symbolic link in the image or at the destination never leads the writing outside")
    func localStaysInside() throws {
        try StoreFixture.with { fixture in
            let canary = fixture.path("canary")
            try FileOperations.createDirectories(canary)
            let lower = try fixture.layer([
                (
                    LayerEntry(
                        path: PathInRoot("escape"),
                        kind: .symbolicLink,
                        permissions: 0o777,
                        linkTarget: Array(canary.string.utf8)
                    ), ""
                )
            ])
            let upper = try fixture.layer([fixture.file("escape/file", "x"), fixture.file("there/file", "y")])
            let image = ListedImage(image: try fixture.image([lower, upper]), names: [])
            let local = fixture.path("local")
            try FileOperations.createDirectories(local)
            #expect(try run(["ln", "-s", canary.string, local.appending("there").string]).status == 0)
            try fixture.images.write(image, to: .local(local))
            #expect(try FileOperations.names(in: canary).isEmpty)
            #expect(try FileOperations.read(local.appending("there").appending("file")) == Array("y".utf8))
        }
    }

    @Test("outputs are parsed")
    func outputs() throws {
        #expect(try ImageOutput(parsing: "type=oci,dest=a.tar") == .archive(.oci, "a.tar"))
        #expect(try ImageOutput(parsing: "type=oci,dest=a,tar=false") == .layout("a"))
        #expect(try ImageOutput(parsing: "type=docker,dest=-") == .archive(.docker, "-"))
        #expect(try ImageOutput(parsing: "out") == .local("out"))
        #expect(try ImageOutput(parsing: "-") == .tar("-"))
        for bad in [
            "", "type=oci", "type=x,dest=a", "dest=a", "type=tar,dest=", "type=oci,dest=a,tar=x", "type=oci,color=red",
        ] {
            #expect(throws: ImageError.self) { try ImageOutput(parsing: bad) }
        }
    }
}

func getUserID() -> UInt32 { (try? FileStatus.of("/proc/self"))?.userID ?? 1 }
