internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("Attributes and COPY")
struct CopyAttributesTests {
    /// Of a file or directory of the context.
    private func set(_ name: String, _ value: [UInt8], on path: String, of f: BuildFixture) throws {
        try FileManager.default.setAttributes(
            [FileAttributeKey("NSFileExtendedAttributes"): [name: Data(value)]],
            ofItemAtPath: f.context.pushing(FilePath(path)).string
        )
    }

    @Test("extended attributes are kept from the context and from a stage, and make another layer")
    func extendedAttributes() async throws {
        try await BuildFixture.with { f in
            try f.write("d/sub/f", "f")
            try set("user.note", Array("file".utf8), on: "d/sub/f", of: f)
            try set("user.note", Array("directory".utf8), on: "d/sub", of: f)
            let text = "FROM scratch AS one\nCOPY d /d\nFROM scratch\nCOPY --from=one /d /x\nCOPY --parents d/sub/f /y/"
            let image = try await f.build(text)
            for path in ["/x/sub", "/y/d/sub"] {
                #expect(image.tree[path]?.records["SCHILY.xattr.user.note"] == "directory")
                #expect(image.tree[path + "/f"]?.records["SCHILY.xattr.user.note"] == "file")
            }
            try set("user.note", Array("changed".utf8), on: "d/sub/f", of: f)
            let changed = try await f.build(text)
            #expect(changed.tree["/x/sub/f"]?.records["SCHILY.xattr.user.note"] == "changed")
        }
    }

    @Test("capabilities of a file are kept", .enabled(if: Machine.isRoot, "needs root"))
    func capabilities() async throws {
        try await BuildFixture.with { f in
            // VFS_CAP_REVISION_2 with CAP_NET_RAW permitted and effective (linux/capability.h).
            let capability: [UInt8] = [1, 0, 0, 2, 0, 0x20] + [UInt8](repeating: 0, count: 14)
            try f.write("ping", "p", mode: 0o755)
            try set("security.capability", capability, on: "ping", of: f)
            let image = try await f.build("FROM scratch\nCOPY --chown=1:2 ping /bin/")
            #expect(image.tree["/bin/ping"]?.records["SCHILY.xattr.security.capability"] != nil)
        }
    }

    @Test("the mode of a kept directory counts for the cache, what lies beside it does not")
    func parentsInCache() async throws {
        try await BuildFixture.with { f in
            try f.write("a/b/f", "f")
            let text = "FROM scratch\nCOPY --parents a/*/f /x/"
            let first = try await f.build(text)
            try f.write("a/b/beside", "new")
            try f.write("other/f", "new")
            #expect(try await f.build(text).id == first.id)
            try f.makeDirectory("a", mode: 0o711)
            let changed = try await f.build(text)
            #expect(changed.listing("/x/a").first == "d711 0:0 /x/a")
        }
    }
}
