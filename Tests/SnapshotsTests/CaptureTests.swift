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

@Suite("The layer of a process", .needs(.root, .busybox, .overlay))
struct CaptureTests {
    /// What is there before each script.
    static let base = """
        mkdir -p /d/e/f /other /empty/sub /moved/deep; echo one > /d/one; echo two > /d/e/two; echo three > /d/e/f/three
        echo file > /file; ln /file /linked; ln -s /d /link; ln -s /etc /toHost; mkfifo /fifo; chmod 4755 /file
        chown 5:6 /other; chmod 1777 /empty; echo deep > /moved/deep/file
        """

    static let scripts = [
        "true", "echo new > /new; mkdir -p /x/y/z", "echo changed > /d/one", "rm /d/one /file", "rm -r /d",
        "rm -r /d; echo now a file > /d", "rm -r /d; mkdir /d; echo again > /d/one", "rm -rf /d; mkdir -p /d/e/f",
        "rm -r /d/e; mkdir -p /d/e/f", "rm -rf /empty; mkdir -p /empty/sub; chmod 1777 /empty",
        "rm /file; mkdir /file; echo inside > /file/inside", "mv /moved /renamed", "mv /d/e /e; mkdir /d/e",
        "ln /d/one /uno", "rm /linked", "mkfifo /d/pipe; rm /fifo",
        "mknod /d/null c 1 3; mknod /block b 7 0", "chmod 700 /d; chown 7:8 /d/e", "chmod 2755 /other", "touch /d/e",
        "rm /link; mkdir -p /link/e", "rm /toHost; mkdir -p /toHost/ssl /toHost/init.d", "chmod 755 /d /d/e /d/e/f",
        "rm -r /d; ln -s /other /d", "ln -sf /nowhere /link", "rm -r /d /other /empty; mkdir -p /empty/sub/new",
        "printf x > \"$(printf '/\\377\\376')\"; mkdir \"$(printf '/d/\\200dir')\"", "rm -r /d/e/f; echo f > /d/e/f",
        "echo two > /d/e/two", "mv /d /was; mkdir -p /d/e; mv /was/e/f /d/e/f; rm -r /was",
    ]

    @Test("gives the same files by overlay and by copy", arguments: scripts)
    func bothWays(script: String) throws {
        try StoreFixture.with { fixture in
            let busybox = try fixture.busybox()
            let base = [busybox, try fixture.run(Self.base, over: [busybox])]
            let before = try fixture.tree(base)
            #expect(before.count > 15)
            let overlay = try fixture.run(script, over: base)
            let copy = try fixture.run(script, over: base, copying: true)
            let expected = try fixture.tree(base + [overlay])
            #expect(try fixture.tree(base + [copy]) == expected, "by copy")
            #expect((expected == before) == Self.withoutEffect.contains(script))
            // What the kernel shows of the adopted upper directory and of the layer unpacked anew is what the index says.
            let adopted = try fixture.mounted(base + [overlay])
            _ = try fixture.snapshots.prune()
            #expect(try fixture.mounted(base + [overlay]) == adopted)
            _ = try fixture.snapshots.prune()
            #expect(try fixture.mounted(base + [copy]) == adopted)
            // The layer read back from its tar is the one that was written.
            for layer in [overlay, copy] {
                let fresh = LayerStore(fixture.layers.store)
                try fresh.verify(layer)
                let (left, right) = (try fresh.index(of: layer), try fixture.layers.index(of: layer))
                #expect((0..<left.count).map { left[$0] } == (0..<right.count).map { right[$0] })
            }
        }
    }

    private static let withoutEffect = [
        "true", "touch /d/e", "echo two > /d/e/two", "chmod 755 /d /d/e /d/e/f",
        "rm -rf /empty; mkdir -p /empty/sub; chmod 1777 /empty",
    ]

    @Test("is empty when nothing changed, and leaves out unchanged directories and what was mounted")
    func nothing() throws {
        try StoreFixture.with { fixture in
            let busybox = try fixture.busybox()
            let base = [busybox, try fixture.run(Self.base, over: [busybox])]
            #expect(try fixture.listing(try fixture.run("true; ls -lR / > /dev/null; touch /d", over: base)) == [])
            #expect(
                try fixture.listing(try fixture.run("echo 1 > /d/e/new", over: base)) == [
                    "/d directory", "/d/e directory", "/d/e/new regular",
                ]
            )
        }
    }

    @Test("keeps extended attributes and capabilities of files, and those that a directory got")
    func attributes() throws {
        try StoreFixture.with { fixture in
            let busybox = try fixture.busybox()
            let base = [busybox, try fixture.run(Self.base, over: [busybox])]
            let capability: [UInt8] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            let layer = try fixture.run("echo x > /d/new; chmod 755 /d/e", over: base) { upper in
                for (path, name, value) in [
                    ("d/new", "security.capability", capability), ("d/new", "user.note", [0, 255, 10]),
                    ("d/e", "user.note", [1]), ("d/new", "trusted.overlay.mine", [1]),
                ] as [(String, String, [UInt8])] {
                    guard let descriptor = try? FileOperations.open(upper.pushing(FilePath(path)), O_RDONLY) else {
                        continue
                    }
                    #expect(ExtendedAttribute(name: name, value: value).set(on: descriptor))
                    close(descriptor)
                }
            }
            let index = try fixture.layers.index(of: layer)
            let file = try #require(index.entry(at: PathInRoot("d/new")))
            #expect(file.extendedAttributes.map(\.name) == ["security.capability", "user.note"])
            #expect(file.extendedAttributes.map(\.value) == [capability, [0, 255, 10]])
            #expect(index.entry(at: PathInRoot("d/e"))?.extendedAttributes.map(\.name) == ["user.note"])
        }
    }

    @Test("loses a changed mode of `/` itself, as with Docker, and nothing else")
    func rootMode() throws {
        try StoreFixture.with { fixture in
            let busybox = try fixture.busybox()
            for copying in [false, true] {
                let layer = try fixture.run("chmod 700 /; echo x > /x", over: [busybox], copying: copying)
                #expect(try fixture.listing(layer) == ["/x regular"])
            }
        }
    }

    @Test("cannot hold names that mean a removed file", arguments: [false, true])
    func whiteoutNames(copying: Bool) throws {
        try StoreFixture.with { fixture in
            let busybox = try fixture.busybox()
            for script in ["echo x > /.wh.bin", "mkdir /.wh.d", "mkdir /n; echo x > /n/.wh..wh..opq"] {
                let error = #expect(throws: LayerError.self) {
                    try fixture.run(script, over: [busybox], copying: copying)
                }
                #expect(error.map { "\($0)".contains("`.wh.`") } ?? false, "\(script)")
            }
        }
    }

    @Test("may be hundreds of directories deep, with few files open at once", arguments: [false, true])
    func deep(copying: Bool) async throws {
        // In a process of its own, since the limit is the process's.
        await #expect(processExitsWith: .success) { [copying] in
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(7), &limit)
            limit.rlim_cur = 160
            setrlimit(__rlimit_resource_t(7), &limit)
            try StoreFixture.with { fixture in
                let busybox = try fixture.busybox()
                let down = "cd /; for i in $(seq 300); do mkdir -p d; cd ./d; done; "
                let layer = try fixture.run(down + "echo deep > file", over: [busybox], copying: copying)
                try #require(try fixture.layers.index(of: layer).count == 301)
                _ = try fixture.snapshots.prune()
                let further = try fixture.run(
                    down + "test -e file; echo 2 > two",
                    over: [busybox, layer],
                    copying: copying
                )
                try #require(try fixture.layers.index(of: further).count == 301)
                _ = try fixture.snapshots.prune()
            }
        }
    }
}
