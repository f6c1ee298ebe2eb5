internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

/// What other tools make of what is written here: each reads the store where it lies, or an archive from it.
@Suite("Other tools")
struct InteropTests {
    private static let contents = """
        FROM scratch
        WORKDIR /workdir
        COPY --chown=7:8 tree /tree
        COPY --chmod=600 tree/file /tree/moved
        ENV A=b
        LABEL l=v
        CMD ["x", "y z"]
        """

    private func build(_ f: BuildFixture) async throws -> BuiltImage {
        try f.write("tree/file", "text", mode: 0o4711)
        try f.write("tree/\(String(repeating: "long", count: 40))/ünïcode", "deep")
        try f.link("tree/link", to: "file")
        try FileManager.default.linkItem(
            atPath: f.context.pushing("tree/file").string,
            toPath: f.context.pushing("tree/hard").string
        )
        return try await f.build(Self.contents, "-t", "simple")
    }

    private func tool(_ f: BuildFixture, _ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation)
        async throws -> CommandResult
    {
        let result = try await Machine.run(arguments, in: f.scratch)
        try #require(result.status == 0, "\(result)", sourceLocation: sourceLocation)
        return result
    }

    /// Checks a directory into which another tool unpacked the image.
    private func expectContents(_ root: FilePath) throws {
        func status(_ path: String) -> stat {
            var status = stat()
            lstat(root.pushing(FilePath(path)).string, &status)
            return status
        }
        #expect(try readFile(root.pushing("tree/file")) == Array("text".utf8))
        #expect(status("tree/file").st_mode & 0o7777 == 0o4711)
        #expect(status("tree/file").st_uid == 7 && status("tree/file").st_gid == 8)
        #expect(status("tree/hard").st_ino == status("tree/file").st_ino)
        #expect(status("tree/moved").st_mode & 0o7777 == 0o600)
        #expect(status("workdir").st_mode & 0o7777 == 0o755)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: root.pushing("tree/link").string) == "file")
        #expect(
            try readFile(root.pushing(FilePath("tree/\(String(repeating: "long", count: 40))/ünïcode")))
                == Array("deep".utf8)
        )
    }

    @Test(
        "skopeo inspects the store and copies from it into a docker archive",
        .enabled(if: Machine.has("skopeo"), "needs skopeo")
    )
    func skopeo() async throws {
        try await BuildFixture.with { f in
            let image = try await build(f)
            let output = try await tool(f, "skopeo", "inspect", "oci:\(f.store):simple").output
            let description = try JSONDecoder().decode(JSON.self, from: Data(output))
            #expect(description["Labels"]["l"] == "v")
            #expect(description["Layers"].elements.count == 3)
            let config = try await tool(f, "skopeo", "inspect", "--config", "--raw", "oci:\(f.store):simple").output
            #expect(try JSONDecoder().decode(JSON.self, from: Data(config)) == image.configuration)
            _ = try await tool(
                f,
                "skopeo",
                "--insecure-policy",
                "copy",
                "oci:\(f.store):simple",
                "docker-archive:\(f.scratch)/a.tar:x:1"
            )
            let other = f.scratch.appending("other-store")
            try await f.succeed("load", "--root", other.string, "-i", "\(f.scratch)/a.tar")
            #expect(try BuiltImage(id: image.id, store: other, transcript: "").tree == image.tree)
        }
    }

    @Test("skopeo reads saved archives and outputs", .enabled(if: Machine.has("skopeo"), "needs skopeo"))
    func skopeoArchives() async throws {
        try await BuildFixture.with { f in
            let image = try await build(f)
            let file = try f.dockerfile(Self.contents)
            try await f.succeed("save", "-o", "\(f.scratch)/saved-oci.tar", "--format", "oci", "simple")
            try await f.succeed("save", "-o", "\(f.scratch)/saved-docker.tar", "--format", "docker", "simple")
            try await f.succeed("-f", file, "-t", "x", "-o", "type=oci,dest=\(f.scratch)/output-oci.tar", ".")
            try await f.succeed("-f", file, "-t", "x", "-o", "type=docker,dest=\(f.scratch)/output-docker.tar", ".")
            for name in [
                "oci-archive:\(f.scratch)/saved-oci.tar", "docker-archive:\(f.scratch)/saved-docker.tar",
                "oci-archive:\(f.scratch)/output-oci.tar", "docker-archive:\(f.scratch)/output-docker.tar",
            ] {
                let output = try await tool(f, "skopeo", "inspect", "--config", "--raw", name).output
                let configuration = try JSONDecoder().decode(JSON.self, from: Data(output))
                #expect(configuration["rootfs"] == image.configuration["rootfs"], "\(name)")
                #expect(configuration["config"] == image.config, "\(name)")
            }
        }
    }

    @Test(
        "load reads what skopeo wrote, compressed layers among it",
        .enabled(if: Machine.has("skopeo"), "needs skopeo")
    )
    func loadFromSkopeo() async throws {
        try await BuildFixture.with { f in
            let image = try await build(f)
            _ = try await tool(
                f,
                "skopeo",
                "--insecure-policy",
                "copy",
                "--dest-compress",
                "oci:\(f.store):simple",
                "dir:\(f.scratch)/dir"
            )
            _ = try await tool(
                f,
                "skopeo",
                "--insecure-policy",
                "copy",
                "dir:\(f.scratch)/dir",
                "oci:\(f.scratch)/layout:name"
            )
            let other = f.scratch.appending("other-store").string
            try await f.succeed("load", "--root", other, "-i", "\(f.scratch)/layout")
            let listed = try await f.succeed("images", "--root", other).outputText
            #expect(listed.contains(image.id.dropFirst("sha256:".count).prefix(12)), "\(listed)")
            try f.write("Dockerfile", "FROM name\nCOPY tree/file /on-top\n")
            let id = try await f.succeed("--root", other, "-q", ".").line
            #expect(id.hasPrefix("sha256:"))
            try await f.succeed("--root", other, "-o", "type=local,dest=\(f.scratch)/out", ".")
            #expect(try readFile(f.scratch.pushing("out/tree/file")) == Array("text".utf8))
        }
    }

    @Test(
        "umoci unpacks from the store",
        .enabled(if: Machine.has("umoci"), "needs umoci"),
        .enabled(if: Machine.isRoot, "needs root: owners are checked")
    )
    func umoci() async throws {
        try await BuildFixture.with { f in
            _ = try await build(f)
            _ = try await tool(f, "umoci", "unpack", "--image", "\(f.store):simple", "\(f.scratch)/bundle")
            try expectContents(f.scratch.pushing("bundle/rootfs"))
        }
    }

    @Test(
        "buildah pulls from the store and mounts it",
        .enabled(if: Machine.has("buildah"), "needs buildah"),
        .enabled(if: Machine.isRoot, "needs root: owners are checked")
    )
    func buildah() async throws {
        try await BuildFixture.with { f in
            let image = try await build(f)
            let policy = f.scratch.appending("policy.json")
            try Data(#"{"default":[{"type":"insecureAcceptAnything"}]}"#.utf8).write(
                to: URL(fileURLWithPath: policy.string)
            )
            let buildah = [
                "buildah", "--root", "\(f.scratch)/containers", "--runroot", "\(f.scratch)/containers-run",
                "--storage-driver", "vfs",
            ]
            func run(_ arguments: String...) async throws -> CommandResult {
                let result = try await Machine.run(buildah + arguments, in: f.scratch)
                try #require(result.status == 0, "\(result)")
                return result
            }
            let name = try await run("from", "--signature-policy", policy.string, "oci:\(f.store):simple").line
            try expectContents(FilePath(try await run("mount", name).line))
            let id = try await run("inspect", "--format", "{{.FromImageID}}", name).line
            #expect("sha256:" + id == image.id)
            _ = try await run("umount", name)
            _ = try await run("rm", name)
        }
    }

    @Test(
        "docker loads a saved image and has the same ID and files",
        .enabled(if: Machine.has("dockerd") && Machine.has("docker"), "needs docker.io"),
        .enabled(if: Machine.isRoot, "needs root: starts a daemon of its own")
    )
    func docker() async throws {
        try await BuildFixture.with { f in
            let image = try await build(f)
            try await DockerDaemon.with(f) { docker in
                for format in ["docker", "oci"] where format == "docker" || docker.readsLayouts {
                    let archive = "\(f.scratch)/\(format).tar"
                    try await f.succeed("save", "--format", format, "-o", archive, "simple")
                    _ = try await docker.run("load", "-i", archive)
                    #expect(try await docker.run("inspect", "-f", "{{.Id}}", "simple").line == image.id)
                    let container = try await docker.run("create", "simple").line
                    _ = try await docker.run("export", "-o", "\(f.scratch)/export.tar", container)
                    _ = try await docker.run("rm", container)
                    let exported = try TarArchive.read(readFile(f.scratch.appending("export.tar")))
                    let files = exported.map(\.listing).filter { $0.contains(" /tree") || $0.contains(" /workdir") }
                    #expect(files.sorted() == image.listing().sorted())
                    _ = try await docker.run("rmi", "simple")
                }
            }
        }
    }
}
