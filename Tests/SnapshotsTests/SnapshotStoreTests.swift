import ContentStore
import FileSystem
import Glibc
import Layers
import OCI
import Snapshots
import SystemPackage
import Tar
import TestSupport
import Testing

@Suite("Snapshots", .needs(.root, .busybox, .overlay))
struct SnapshotStoreTests {
    @Test("show what the layers merge into: whiteouts, opaque and implied directories", arguments: [false, true])
    func merged(mounting: Bool) throws {
        try StoreFixture.with { fixture in
            var opaque = directory("c", 0o750)
            opaque.isOpaque = true
            let stack = [
                try fixture.busybox(),
                try fixture.layer(
                    directory("a", 0o700),
                    file("a/one"),
                    directory("a/b", 0o711),
                    file("a/b/two"),
                    directory("c"),
                    directory("c/s", 0o700),
                    file("c/s/three"),
                    file("f")
                ),
                // Neither `a` nor `c/s` is listed: the one keeps its mode, the other was hidden.
                try fixture.layer(file("a/b/more"), whiteout("a/one"), opaque, file("c/s/four"), whiteout("f")),
                try fixture.layer(directory("f"), file("f/inside")),
            ]
            let expected = [
                "./a directory 700 0:0", "./a/b directory 711 0:0", "./a/b/more regular file 644 0:0",
                "./a/b/two regular file 644 0:0",
                "./c directory 750 0:0", "./c/s directory 755 0:0", "./c/s/four regular file 644 0:0",
                "./f directory 755 0:0",
                "./f/inside regular file 644 0:0",
            ]
            #expect(try fixture.mounted(stack, mounting: mounting).filter { !$0.hasPrefix(". ") } == expected)
            let tree = try fixture.tree(stack).map { $0.split(separator: " ")[0] }
            #expect(tree == expected.map { $0.split(separator: " ")[0].dropFirst() })
        }
    }

    @Test("hide what is below an opaque marker whose directory the archive does not list", arguments: [false, true])
    func impliedOpaque(mounting: Bool) throws {
        try StoreFixture.with { fixture in
            let base = try fixture.layer(directory("d", 0o700), file("d/old"))
            let marker = try fixture.layer(tar: Tar.file("d/.wh..wh..opq") + Tar.file("d/new") + Tar.end)
            let stack = [try fixture.busybox(), base, marker]
            #expect(try fixture.tree(stack).map { $0.split(separator: " ")[0] } == ["/d", "/d/new"])
            let mounted = try fixture.mounted(stack, mounting: mounting).filter { $0.hasPrefix("./d") }
            #expect(
                mounted == ["./d directory 700 0:0", "./d/new regular empty file 644 0:0"]
            )
        }
    }

    @Test("copy files of lower layers that hard links name, also through links to links", arguments: [false, true])
    func hardLinks(mounting: Bool) throws {
        try StoreFixture.with { fixture in
            let lower = try fixture.layer(file("a", 0o4755), hardLink("b", to: "a"))
            let middle = try fixture.layer(hardLink("c", to: "b"))
            let upper = try fixture.layer(hardLink("e", to: "c"), hardLink("f", to: "e"))
            let stack = [try fixture.busybox(), lower, middle, upper]
            let tree = try fixture.tree(stack)
            #expect(tree.map { $0.split(separator: " ")[0] } == ["/a", "/b", "/c", "/e", "/f"])
            #expect(tree.allSatisfy { $0.contains("hardLink") || $0.contains(" 4755 ") })
            let mounted = try fixture.mounted(stack, mounting: mounting).filter { !$0.hasPrefix(". ") }
            #expect(mounted == ["a", "b", "c", "e", "f"].map { "./\($0) regular file 4755 0:0" })
            #expect(try LayerStack(stack, in: fixture.layers).read("/f", limit: 100) == Array("/a".utf8))
        }
    }

    @Test("take a hard link to a symbolic link or a pipe for another of its kind", arguments: [false, true])
    func hardLinkToLink(mounting: Bool) throws {
        try StoreFixture.with { fixture in
            let tar =
                Tar.member("s", "2", link: "target") + Tar.member("h", "1", link: "s") + Tar.member("p", "6")
                + Tar.member("q", "1", link: "p")
            let stack = [try fixture.busybox(), try fixture.layer(tar: tar + Tar.end)]
            let mounted = try fixture.mounted(stack, mounting: mounting).filter { !$0.hasPrefix(". ") }
            #expect(
                mounted.map { $0.split(separator: " ").prefix(3).joined(separator: " ") } == [
                    "./h symbolic link", "./p fifo 644", "./q fifo 644", "./s symbolic link",
                ]
            )
            #expect(try fixture.tree(stack).count == 4)
        }
    }

    @Test("keep devices, attributes, setuid bits and times")
    func attributes() throws {
        try StoreFixture.with { fixture in
            var device = LayerEntry(
                path: PathInRoot("null"),
                kind: .characterDevice,
                permissions: 0o666,
                userID: 3,
                groupID: 4
            )
            (device.deviceMajor, device.deviceMinor, device.modified) = (1, 300, 7)
            var program = file("program", 0o6755)
            (program.userID, program.groupID, program.modified) = (5, 6, -100)
            program.extendedAttributes = [ExtendedAttribute(name: "user.x", value: [0, 1])]
            let layer = try fixture.layer(device, program)
            let files = try #require(try fixture.snapshots.snapshots(of: [layer]).first).files
            let status = try FileStatus.of(files.appending("null"))
            #expect(status.kind == .characterDevice && status.permissions == 0o666 && status.userID == 3)
            #expect(status.deviceMajor == 1 && status.deviceMinor == 300 && status.modifiedSeconds == 7)
            let own = try FileStatus.of(files.appending("program"))
            #expect(own.permissions == 0o6755 && own.userID == 5 && own.groupID == 6 && own.modifiedSeconds == -100)
            let descriptor = try FileOperations.open(files.appending("program"), O_RDONLY)
            defer { close(descriptor) }
            #expect(ExtendedAttribute.portable(descriptor: descriptor).map(\.name) == ["user.x"])
        }
    }

    @Test("of an earlier boot are made again")
    func earlierBoot() throws {
        try StoreFixture.with { fixture in
            let layer = try fixture.layer(file("f"))
            let files = try #require(try fixture.snapshots.snapshots(of: [layer]).first).files
            let boot = files.removingLastComponent().appending("boot")
            for text in ["1-2", "", "nonsense"] {
                try FileOperations.writeAtomically([0x78], to: files.appending("f"), temporary: fixture.directory)
                try FileOperations.writeAtomically(Array(text.utf8), to: boot, temporary: fixture.directory)
                let again = try #require(try fixture.snapshots.snapshots(of: [layer]).first).files
                #expect(try FileOperations.read(again.appending("f")) == Array("/f".utf8))
            }
        }
    }

    @Test("in use are left alone by prune, and adopting waits for nobody and replaces nothing that is trusted")
    func adoptAndPrune() throws {
        try StoreFixture.with { fixture in
            let busybox = try fixture.busybox()
            let layer = try fixture.run("echo x > /x", over: [busybox])
            let adopted = fixture.layers.store[.snapshots].appending(layer.diffID.hex)
            #expect(FileStatus.ifPresent(adopted.appending("fs/x")) != nil)
            let snapshot = try #require(try fixture.snapshots.snapshots(of: [busybox, layer]).last)
            let lock = try snapshot.lock()
            _ = try fixture.snapshots.prune()
            #expect(FileStatus.ifPresent(snapshot.files) != nil)
            withExtendedLifetime(lock) {}
            // Somebody else is unpacking the same layer: what it makes counts.
            let inode = try FileStatus.of(adopted).inode
            _ = try fixture.run("echo x > /x", over: [busybox])
            #expect(try FileStatus.of(adopted).inode == inode)
        }
    }

    @Test("being unpacked by another are not pushed aside by one that is adopted")
    func adoptWhileUnpacking() throws {
        try StoreFixture.with { fixture in
            let workspace = try fixture.snapshots.workspace(over: [])
            try FileOperations.writeAtomically([1], to: workspace.upper.appending("x"), temporary: workspace.upper)
            let layer = try fixture.layer(file("x"))
            let path = fixture.layers.store[.snapshots].appending(layer.diffID.hex)
            let unpacking = try fixture.layers.store.lock(key: layer.diffID)
            fixture.snapshots.adopt(workspace, as: layer)
            #expect(FileStatus.ifPresent(path) == nil)
            withExtendedLifetime(unpacking) {}
        }
    }
}

/// Raw tar members, for what our own writer never writes.
enum Tar {
    static let end = [UInt8](repeating: 0, count: 1024)

    static func file(_ name: String) -> [UInt8] { member(name, "0") }

    static func member(_ name: String, _ type: String, link: String = "") -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ offset: Int) {
            header.replaceSubrange(offset..<offset + text.utf8.count, with: Array(text.utf8))
        }
        put(name, 0)
        put("0000644", 100)
        put("0000000", 108)
        put("0000000", 116)
        put("00000000000", 124)
        put("00000000000", 136)
        put("        ", 148)
        put(type, 156)
        put(link, 157)
        put("ustar\u{0}00", 257)
        let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
        put(String(repeating: "0", count: 6 - sum.count) + sum + "\u{0} ", 148)
        return header
    }
}
