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

@Suite("Layers mounted in place", .needs(.root, .overlay), .needsMountedLayers)
struct LayerMountTests {
    /// One of every kind that a layer can have, and sizes around the borders of blocks.
    private static var entries: [(LayerEntry, [UInt8])] {
        var entries: [(LayerEntry, [UInt8])] = [(directory("sizes", 0o1777), [])]
        for size in [0, 1, 511, 512, 513, 1024, 4095, 4096, 4097, 100_000, 3_000_001] {
            entries.append((file("sizes/\(size)"), (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) }))
        }
        var owned = file("owned", 0o6755)
        (owned.userID, owned.groupID, owned.modified) = (70_000, 4_000_000_000, -1_234_567)
        owned.extendedAttributes = [
            .init(name: "security.capability", value: [1, 0, 0, 2, 0, 4] + [UInt8](repeating: 0, count: 14)),
            .init(name: "trusted.mine", value: [1, 2, 3]),
            .init(name: "user.empty", value: []),
            .init(name: "user.long", value: [UInt8](repeating: 7, count: 1500)),
        ]
        entries.append((owned, Array("owned".utf8)))
        for name in ["one", "two", "z"] { entries.append((hardLink("owned-\(name)", to: "owned"), [])) }
        for length in [1, 440, 448, 449, 511, 600, 4000] {
            entries.append((symbolicLink("link-\(length)", to: String(repeating: "x", count: length)), []))
        }
        for (name, kind, major, minor) in [
            ("null", LayerEntry.Kind.characterDevice, 1, 3), ("disk", .blockDevice, 259, 70_000), ("pipe", .fifo, 0, 0),
        ] as [(String, LayerEntry.Kind, UInt32, UInt32)] {
            var entry = LayerEntry(path: PathInRoot(name), kind: kind, permissions: 0o620, userID: 1, groupID: 5)
            (entry.deviceMajor, entry.deviceMinor, entry.modified) = (major, minor, 1_700_000_000)
            entries.append((entry, []))
        }
        // More names than one block has, on both sides of `.` and `..`, and the longest ones.
        entries.append((directory("many", 0o711), []))
        for number in 0..<3000 { entries.append((file("many/\(number % 2 == 0 ? "!" : "n")\(number)"), [])) }
        for letter in ["a", "b", "c"] {
            entries.append((directory("many/" + String(repeating: letter, count: 255)), []))
            entries.append((file("many/" + String(repeating: letter, count: 255) + "/f"), Array(letter.utf8)))
        }
        entries.append(
            (LayerEntry(path: PathInRoot([0xFF, 0xFE] as [UInt8]), kind: .regular, permissions: 0o400), [9])
        )
        return entries
    }

    private func mounting(_ fixture: StoreFixture) -> SnapshotStore {
        var snapshots = SnapshotStore(LayerStore(fixture.store))
        snapshots.mountsLayers = true
        return snapshots
    }

    private func isMounted(_ snapshot: SnapshotStore.Snapshot) -> Bool { snapshot.files.string.hasPrefix("/proc/") }

    @Test("have every path, attribute and content that they have unpacked")
    func equal() throws {
        try StoreFixture.with { fixture in
            var opaque = directory("opaque", 0o750)
            opaque.isOpaque = true
            let base = try fixture.layer(
                directory("implied", 0o701),
                file("implied/below"),
                file("gone"),
                directory("opaque")
            )
            let layer = try fixture.layers.layer(
                Self.entries + [(opaque, []), (file("opaque/f"), []), (whiteout("gone"), [])]
            )
            let implied = try fixture.layer(tar: Tar.file("implied/above") + Tar.end)
            let stack = [base, layer, implied]
            let mounted = try mounting(fixture).snapshots(of: stack)
            let unpacked = try fixture.snapshots.snapshots(of: stack)
            #expect(mounted.map(isMounted) == [true, true, true])
            #expect(unpacked.map(isMounted) == [false, false, false])
            for (mounted, unpacked) in zip(mounted, unpacked) {
                let (left, right) = (try TreeListing(mounted.files).lines, try TreeListing(unpacked.files).lines)
                #expect(left.count == right.count && left.count >= 2)
                for (left, right) in zip(left, right) where left != right { Issue.record("\(left)\n\(right)") }
            }
        }
    }

    @Test("share an inode among the names of a file, whichever comes first")
    func hardLinks() throws {
        try StoreFixture.with { fixture in
            let tar = Tar.file("z") + Tar.member("a", "1", link: "z") + Tar.member("b", "1", link: "a") + Tar.end
            let mounted = try #require(try mounting(fixture).snapshots(of: [try fixture.layer(tar: tar)]).first)
            let all = try ["a", "b", "z"].map { try FileStatus.of(mounted.files.appending($0)) }
            #expect(Set(all.map(\.inode)).count == 1 && all.allSatisfy { $0.linkCount == 3 })
        }
    }

    @Test("are checked by fsck.erofs", .needs(.program("fsck.erofs")))
    func checked() throws {
        try StoreFixture.with { fixture in
            let layer = try fixture.layers.layer(Self.entries)
            _ = try mounting(fixture).snapshots(of: [layer])
            let image = fixture.store[.erofs].appending(layer.diffID.hex)
            let tar = fixture.store.blobs.path(layer.diffID)
            // erofs-utils before 1.6 know no other blocks than pages.
            let result = try shell("fsck.erofs --device=\(tar) \(image)")
            let isTooOld = result.output.contains("isn't supported on this platform")
            #expect(isTooOld || result.status == 0 && result.output.contains("No errors found"), "\(result)")
        }
    }

    @Test("and that cannot be mounted are unpacked among the others: sparse files, links to layers below, access lists")
    func mixed() throws {
        try StoreFixture.with { fixture in
            let access: [UInt8] = [
                2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 4, 0, 4, 0, 255, 255, 255, 255, 32, 0, 4, 0,
            ]
            var list = file("list")
            list.extendedAttributes = [
                .init(name: "system.posix_acl_access", value: access + [255, 255, 255, 255])
            ]
            let stack = [
                try fixture.layer(file("a"), directory("d")),
                try fixture.layer(hardLink("b", to: "a")),
                try fixture.layer(list),
                try fixture.layer(file("d/c")),
            ]
            let snapshots = try mounting(fixture).snapshots(of: stack)
            #expect(snapshots.map(isMounted) == [true, false, false, true])
            #expect(try FileOperations.read(snapshots[1].files.appending("b")) == Array("/a".utf8))
            // What is unpacked stays so: no mount costs nothing.
            #expect(try mounting(fixture).snapshots(of: stack).map(isMounted) == [true, false, false, true])
        }
    }

    @Test("are made again where their image is damaged")
    func damaged() throws {
        try StoreFixture.with { fixture in
            let layer = try fixture.layer(file("f"), directory("d"))
            _ = try mounting(fixture).snapshots(of: [layer])
            let path = fixture.store[.erofs].appending(layer.diffID.hex)
            let whole = try FileOperations.read(path)
            #expect(ErofsFile.isWhole(path, of: layer.diffID))
            for place in [0, 9, 500, 1024, 1040, whole.count - 1] {
                var bytes = whole
                bytes[place] ^= 0x40
                try FileOperations.writeAtomically(bytes, to: path, temporary: fixture.directory)
                #expect(!ErofsFile.isWhole(path, of: layer.diffID))
                let mounted = try #require(try mounting(fixture).snapshots(of: [layer]).first)
                #expect(isMounted(mounted))
                #expect(try FileOperations.read(mounted.files.appending("f")) == Array("/f".utf8))
                #expect(try FileOperations.read(path) == whole)
            }
            for bytes in [[], Array(whole.dropLast(512)), whole + whole, Array(repeating: 0, count: 5000)] {
                try FileOperations.writeAtomically(bytes, to: path, temporary: fixture.directory)
                #expect(!ErofsFile.isWhole(path, of: layer.diffID))
            }
            try FileOperations.remove(path)
            try FileOperations.createDirectories(path.appending("something"))
            let again = try #require(try mounting(fixture).snapshots(of: [layer]).first)
            #expect(isMounted(again) && ErofsFile.isWhole(path, of: layer.diffID))
        }
    }

    @Test("are made again where another layer's image is in the place")
    func swapped() throws {
        try StoreFixture.with { fixture in
            // Of one size, so that nothing else tells them apart.
            let layers = try ["one", "two"].map { try fixture.layers.layer([(file("f"), Array($0.utf8))]) }
            let both = try layers.map { layer in
                _ = try mounting(fixture).snapshots(of: [layer])
                return try FileOperations.read(fixture.store[.erofs].appending(layer.diffID.hex))
            }
            for (layer, bytes) in zip(layers, both.reversed()) {
                let path = fixture.store[.erofs].appending(layer.diffID.hex)
                try FileOperations.writeAtomically(bytes, to: path, temporary: fixture.directory)
                #expect(!ErofsFile.isWhole(path, of: layer.diffID))
                #expect(try mounting(fixture).snapshots(of: [layer]).map(isMounted) == [true])
                #expect(ErofsFile.isWhole(path, of: layer.diffID))
            }
        }
    }

    @Test("keep the large holes of files, and read what lies between them")
    func holes() throws {
        try StoreFixture.with { fixture in
            var content = [UInt8](repeating: 0, count: 20_000_003)
            for place in [0, 5_000_000, 9_999_999, 20_000_002] { content[place] = UInt8(truncatingIfNeeded: place | 1) }
            let layer = try fixture.layers.layer([(file("holes"), content), (file("none"), content.map { $0 | 1 })])
            let mounted = try #require(try mounting(fixture).snapshots(of: [layer]).first)
            #expect(try FileOperations.read(mounted.files.appending("holes")) == content)
            func firstHole(_ name: String) throws -> Int {
                let file = try OwnedDescriptor(mounted.files.appending(name), O_RDONLY)
                return lseek(file.rawValue, 0, 4 /* SEEK_HOLE */)
            }
            #expect((1..<5_000_000).contains(try firstHole("holes")))
            #expect(try firstHole("none") == content.count)
        }
    }

    @Test("are given up when no process can be started on them")
    func givenUp() throws {
        try StoreFixture.with { fixture in
            let layer = try fixture.layer(file("f"))
            let snapshots = mounting(fixture)
            #expect(!snapshots.mounts.giveUp())
            let others = mounting(fixture)
            #expect(try others.snapshots(of: [layer]).map(isMounted) == [true])
            #expect(others.mounts.giveUp())
            #expect(!others.mounts.giveUp())
            #expect(try others.snapshots(of: [layer]).map(isMounted) == [false])
        }
    }

    @Test(
        "in a script's eyes are what they are unpacked, and give the same layer",
        .needs(.busybox),
        arguments: CaptureTests.scripts
    )
    func scripts(script: String) throws {
        try StoreFixture.with { fixture in
            let busybox = try fixture.busybox()
            let made = try fixture.run(CaptureTests.base, over: [busybox])
            _ = try fixture.snapshots.prune()
            let onMounts = try fixture.run(script, over: [busybox, made], mounting: true)
            #expect(try FileOperations.names(in: fixture.store[.erofs]).count == 2)
            let unpacked = try fixture.run(script, over: [busybox, made])
            // Times differ, and nothing else.
            #expect(try fixture.tree([busybox, made, onMounts]) == fixture.tree([busybox, made, unpacked]))
            #expect(try fixture.listing(onMounts) == fixture.listing(unpacked))
        }
    }
}

/// All files below a directory, one line each.
struct TreeListing {
    var lines: [String] = []

    init(_ root: FilePath) throws { try add(root, "") }

    private mutating func add(_ directory: FilePath, _ prefix: String) throws {
        let names = try FileOperations.names(in: directory).sorted { $0.lexicographicallyPrecedes($1) }
        lines.append("\(prefix)/ \(names.count)")
        for name in names {
            let path = directory.appending(bytes: name)
            let status = try FileStatus.of(path)
            let isDirectory = status.kind == .directory
            var line = "\(prefix)/\(name) \(status.kind) \(String(status.permissions, radix: 8)) "
            line += "\(status.userID):\(status.groupID) \(status.deviceNumber) \(status.linkCount)"
            // Nobody looks at the time of a whiteout.
            if status.kind != .characterDevice || status.deviceNumber != 0 { line += " \(status.modifiedSeconds)" }
            if !isDirectory { line += " \(status.size)" }
            if status.kind == .regular { line += " \(SHA256Hasher.digest(of: try FileOperations.read(path)))" }
            if status.kind == .symbolicLink { line += " \(try TreeListing.target(of: path))" }
            let descriptor = try OwnedDescriptor(directory, O_RDONLY | O_DIRECTORY)
            let attributes = ExtendedAttribute.all(
                of: name.map { CChar(bitPattern: $0) } + [0],
                in: descriptor.rawValue
            )
            line += " \(attributes)"
            lines.append(line)
            if isDirectory { try add(path, "\(prefix)/\(name)") }
        }
    }

    private static func target(of path: FilePath) throws -> String {
        var buffer = [CChar](repeating: 0, count: 5000)
        let count = readlink(path.string, &buffer, buffer.count)
        try #require(count >= 0)
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips a test where layers are always unpacked.
    static var needsMountedLayers: Self {
        let obstacle = LayerMounts.obstacle(in: ScratchDirectory.parent)
        return .enabled(if: obstacle == nil, "needs EROFS: \(obstacle ?? "")")
    }
}
