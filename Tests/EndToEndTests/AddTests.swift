internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("ADD of archives")
struct AddTests {
    private static let members: [TarEntry] = [
        .directory("bin/", mode: 0o750, user: 5, group: 6), .file("bin/tool", "#!", mode: 0o4755, user: 5, group: 6),
        .file("deep/er/file", "text", user: 7, group: 8), .symbolicLink("link", to: "bin/tool"),
        .hardLink("hard", to: "bin/tool"),
    ]

    private static let unpacked = [
        "d755 0:0 /x", "d750 5:6 /x/bin", "-4755 5:6 /x/bin/tool", "d755 0:0 /x/deep", "d755 0:0 /x/deep/er",
        "-644 7:8 /x/deep/er/file", "h /x/hard => /x/bin/tool", "l /x/link -> bin/tool",
    ]

    @Test("a file of zeros, which reads as an archive without members, is copied")
    func zeros() async throws {
        try await BuildFixture.with { f in
            try f.write("disk.img", bytes: [UInt8](repeating: 0, count: 10240))
            let image = try await f.build("FROM scratch\nADD disk.img /images/\nADD disk.img /one")
            #expect(image.tree["/images/disk.img"]?.kind == .file)
            #expect(image.tree["/one"]?.kind == .file)
        }
    }

    @Test(
        "an archive is recognised by its content and unpacked, with its owners and modes",
        arguments: ["", "gzip", "bzip2", "xz", "zstd"].filter { $0.isEmpty || Machine.has($0) }
    )
    func archives(compressor: String) async throws {
        try await BuildFixture.with { f in
            try f.write("archive.txt", bytes: TarArchive.write(Self.members))
            if !compressor.isEmpty {
                let archive = f.context.appending("archive.txt").string
                let result = try await Machine.run(
                    [
                        "sh", "-c",
                        "\(compressor) -c <'\(archive)' >'\(archive).new' && mv '\(archive).new' '\(archive)'",
                    ],
                    in: f.scratch
                )
                try #require(result.status == 0, "\(result)")
            }
            let image = try await f.build("FROM scratch\nADD archive.txt /x")
            #expect(image.listing() == Self.unpacked)
        }
    }

    @Test("--chown overrides the owners in the archive, and COPY does not unpack")
    func chownAndCopy() async throws {
        try await BuildFixture.with { f in
            try f.write("a.tar", bytes: TarArchive.write(Self.members))
            let image = try await f.build("FROM scratch\nADD --chown=1:2 a.tar /x/\nCOPY a.tar /copied")
            #expect(image.tree["/x/bin/tool"]?.listing.hasSuffix("1:2 /x/bin/tool") == true)
            #expect(image.tree["/x/deep/er/file"]?.listing == "-644 1:2 /x/deep/er/file")
            #expect(image.tree["/copied"]?.kind == .file)
        }
    }

    @Test("a file that is no archive is copied, whatever its name")
    func noArchive() async throws {
        try await BuildFixture.with { f in
            try f.write("fake.tar.gz", "only text")
            try f.write("empty.tar")
            let image = try await f.build("FROM scratch\nADD fake.tar.gz /x/\nADD empty.tar /x/")
            #expect(try image.text("/x/fake.tar.gz") == "only text")
            #expect(image.tree["/x/empty.tar"]?.kind == .file)
        }
    }

    /// Names that try to leave the root.
    ///
    /// Either the build refuses them or they end up inside the image.
    static let hostileArchives: [(String, [TarEntry])] = [
        ("a name with ..", [.file("../../../../../../../../tmp/OUT", "x")]),
        ("an absolute name", [.file("/tmp/OUT", "x")]),
        ("a member through an absolute link", [.symbolicLink("l", to: "/tmp"), .file("l/OUT", "x")]),
        (
            "a member through a relative link",
            [.symbolicLink("l", to: "../../../../../../../tmp"), .file("l/OUT", "x")]
        ),
        ("a hard link to outside", [.hardLink("h", to: "../../../../../../../etc/passwd")]),
        ("a hard link through a link", [.symbolicLink("l", to: "/etc"), .hardLink("h", to: "l/passwd")]),
        ("a link that replaces a directory", [.directory("d"), .symbolicLink("d", to: "/tmp"), .file("d/OUT", "x")]),
        ("a device", [TarEntry(name: "null", kind: .characterDevice, mode: 0o666)]),
        ("a whiteout", [.file(".wh.etc", ""), .file(".wh..wh..opq", "")]),
    ]

    @Test("hostile archives never touch anything outside", arguments: hostileArchives.indices)
    func hostile(index: Int) async throws {
        let (name, members) = Self.hostileArchives[index]
        try await BuildFixture.with { f in
            let marker = "swiftbuild-\(UUID().uuidString)"
            let renamed = members.map { entry in
                var entry = entry
                entry.name = entry.name.replacingOccurrences(of: "OUT", with: marker)
                return entry
            }
            try f.write("a.tar", bytes: TarArchive.write(renamed))
            let passwd = try readFile("/etc/passwd")
            let result = try await f.swiftbuild(
                "-f",
                try f.dockerfile("FROM scratch\nADD a.tar /x/"),
                "-o",
                "type=local,dest=\(f.scratch.string)/out",
                "."
            )
            #expect(result.status == 0 || result.status == 1, "\(name): \(result)")
            if result.status == 1 {
                #expect(result.errors.contains("a.tar") || result.errors.contains("ADD"), "\(result)")
            }
            #expect(!fileExists(FilePath("/tmp").appending(marker)), "\(name)")
            #expect(try readFile("/etc/passwd") == passwd)
            // The store is as good as before.
            try await f.succeed("-f", try f.dockerfile("FROM scratch\nCOPY a.tar /x/"), ".")
        }
    }
}
